// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "runtime/kernels/dispatch.hpp"
#include "runtime/linear.hpp"
#include "runtime/row_linear.hpp"
#include "test_weights.hpp"

#include <QTest>

#include <limits>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using tensor::DType;
using tensor::Matrix;

namespace {

Matrix run(const Linear& linear, const Matrix& x, int threads = 1) {
  base::ThreadPool pool(threads);
  Matrix y = Matrix::Constant(x.rows(), linear.outFeatures(), -1e30f);
  linear.forward(x.data(), x.rows(), y.data(), pool);
  return y;
}

std::unique_ptr<Linear> affine(const tensor::QuantizedTensor& weight,
                               WeightStorage storage = WeightStorage::AsStored) {
  return makeLinear({"test", weight, std::nullopt}, storage);
}

std::string errorOf(const model::LinearWeights& weights, base::ErrorCode code) {
  try {
    makeLinear(weights, WeightStorage::AsStored);
  } catch (const base::Error& error) {
    return error.code() == code ? error.what() : std::string("another code: ") + error.what();
  }
  return "accepted";
}

} // namespace

class LinearTest : public QObject {
  Q_OBJECT

private slots:
  void multipliesGrids_data() {
    QTest::addColumn<int>("bits");
    QTest::addColumn<int>("groupSize");
    QTest::addColumn<bool>("symmetric");
    QTest::addColumn<bool>("scattered");
    for (int bits = 2; bits <= 8; ++bits)
      for (const int groupSize : {32, 64, 128, 200, 20})
        for (const bool symmetric : {true, false})
          for (const bool scattered : {false, true})
            QTest::addRow("%d bits, group %d, %s, %s", bits, groupSize,
                          symmetric ? "symmetric" : "asymmetric", scattered ? "scattered" : "in order")
                << bits << groupSize << symmetric << scattered;
  }
  void multipliesGrids() {
    QFETCH(int, bits);
    QFETCH(int, groupSize);
    QFETCH(bool, symmetric);
    QFETCH(bool, scattered);
    // 200 columns: tail groups, tail blocks, and one group per row.
    auto weight = test::randomGrid({37, 200, bits, groupSize, symmetric, scattered}, 11);
    const Matrix W = weight.dequantize();
    const auto linear = affine(weight);
    for (const int64_t tokens : {1, 3, 9, 300}) {
      const Matrix x = test::randomMatrix(tokens, 200, 12);
      const Matrix y = run(*linear, x);
      QVERIFY(test::worstRelativeError(W, x, y) < test::kF32Sum);
      QVERIFY(y == run(*linear, x, 3));
    }
    // Negative control: one code off by one.
    weight.codes[36 * 200 + 199] = static_cast<uint8_t>(weight.codes[36 * 200 + 199] ^ 1u);
    const Matrix x = test::randomMatrix(3, 200, 12);
    QVERIFY(test::worstRelativeError(W, x, run(*affine(weight), x)) > test::kF32Sum);
  }

  void multipliesCodeBooks_data() {
    QTest::addColumn<int>("bits");
    QTest::addColumn<int>("groupSize");
    QTest::addColumn<bool>("own");
    QTest::addColumn<bool>("scattered");
    for (int bits = 2; bits <= 6; ++bits)
      for (const int groupSize : {32, 64, 200, 20})
        for (const bool own : {true, false})
          for (const bool scattered : {false, true})
            QTest::addRow("%d bits, group %d, %s, %s", bits, groupSize, own ? "own" : "shared",
                          scattered ? "scattered" : "in order")
                << bits << groupSize << own << scattered;
  }
  void multipliesCodeBooks() {
    QFETCH(int, bits);
    QFETCH(int, groupSize);
    QFETCH(bool, own);
    QFETCH(bool, scattered);
    auto weight = test::randomBooks({37, 200, bits, groupSize, true, scattered}, own, 17);
    const Matrix W = weight.dequantize();
    QVERIFY(W == W.unaryExpr([](float v) { return tensor::roundToF16(v); }));
    const auto linear = affine(weight);
    for (const int64_t tokens : {1, 3, 9, 300}) {
      const Matrix x = test::randomMatrix(tokens, 200, 12);
      const Matrix y = run(*linear, x);
      QVERIFY(test::worstRelativeError(W, x, y) < test::kF32Sum);
      QVERIFY(y == run(*linear, x, 3));
      QVERIFY(test::worstRelativeError(W, x, run(*affine(weight, WeightStorage::Float32), x)) <
              test::kF32Sum);
    }
    // One-hot inputs read single weights from the fused kernels.
    const Matrix eye = Matrix::Identity(200, 200);
    QVERIFY(run(*linear, eye.topRows(8)) == W.leftCols(8).transpose());
    QVERIFY(run(*linear, eye) == W.transpose());
    weight.codes[36 * 200 + 199] = static_cast<uint8_t>(weight.codes[36 * 200 + 199] ^ 1u);
    const Matrix x = test::randomMatrix(3, 200, 12);
    QVERIFY(test::worstRelativeError(W, x, run(*affine(weight), x)) > test::kF32Sum);
  }

  void countsBytesOfCodeBooks() {
    // Codes at their bit width, then f32 scales and one f32 book, or f16 books; four block counts.
    QCOMPARE(affine(test::randomBooks({10, 256, 4, 64, true, false}, false, 31))->weightBytes(),
             uint64_t{10 * 128 + 10 * 4 * 4 + 16 * 4 + 4 * 4});
    QCOMPARE(affine(test::randomBooks({10, 256, 3, 64, true, false}, true, 31))->weightBytes(),
             uint64_t{10 * 96 + 10 * 4 * 8 * 2 + 4 * 4});
  }

  void everyInstructionSetUnpacksGridsExactly() {
    for (int bits = 2; bits <= 8; ++bits) {
      const auto weight = test::randomGrid({3, 64, bits, 32, false, false}, 13);
      const Matrix W = weight.dequantize();
      const auto linear = makeAffineLinear(weight, std::nullopt);
      // One-hot inputs read single weights from the fused kernels.
      const Matrix eye = Matrix::Identity(64, 64);
      QVERIFY(run(*linear, eye.topRows(8)) == W.leftCols(8).transpose());
      QVERIFY(run(*linear, eye) == W.transpose());
    }
  }

  void multipliesStoredTypes() {
    for (const DType dtype :
         {DType::F32, DType::F16, DType::BF16, DType::F8_E4M3, DType::F8_E5M2, DType::Q8_0, DType::Q4_0,
          DType::Q4_1, DType::Q5_0, DType::Q5_1, DType::Q2_K, DType::Q3_K, DType::Q4_K, DType::Q5_K,
          DType::Q6_K, DType::IQ4_NL, DType::IQ4_XS}) {
      const int64_t cols = tensor::blockElements(dtype) > 32 ? 512 : 160;
      const tensor::TensorView view = test::randomStored(dtype, 150, cols, 21);
      const Matrix W = tensor::toMatrix(view);
      for (const WeightStorage storage : {WeightStorage::AsStored, WeightStorage::Float32}) {
        const auto linear = makeLinear({"test", view, std::nullopt}, storage);
        const uint64_t expectedBytes = storage == WeightStorage::Float32
                                           ? static_cast<uint64_t>(150 * cols * 4)
                                           : uint64_t{view.bytes.size()};
        QCOMPARE(linear->weightBytes(), expectedBytes);
        for (const int64_t tokens : {1, 3, 9, 300}) {
          const Matrix x = test::randomMatrix(tokens, cols, 22);
          const Matrix y = run(*linear, x);
          QVERIFY(test::worstRelativeError(W, x, y) < test::kF32Sum);
          QVERIFY(y == run(*linear, x, 2));
          QVERIFY(y == run(*linear, x, 5));
        }
      }
    }
  }

  void countsPackedBytes() {
    for (int bits = 2; bits <= 8; ++bits) {
      const auto inOrder = test::randomGrid({10, 256, bits, 64, true, false}, 31);
      // Codes at their bit width, four f16 scales per row, four block counts.
      QCOMPARE(affine(inOrder)->weightBytes(),
               static_cast<uint64_t>(10 * 256 * bits / 8 + 10 * 4 * 2 + 4 * 4));
      const auto asymmetric = test::randomGrid({10, 256, bits, 64, false, false}, 31);
      QCOMPARE(affine(asymmetric)->weightBytes(), affine(inOrder)->weightBytes() + 10 * 4);
    }
    QCOMPARE(affine(test::randomGrid({}, 1), WeightStorage::Float32)->weightBytes(), uint64_t{37 * 192 * 4});
  }

  void addsBiases() {
    const tensor::TensorView view = test::randomStored(DType::F16, 20, 40, 41);
    auto bias = tensor::ownedView(test::randomMatrix(1, 20, 42));
    bias.shape = {20};
    const Matrix shift = tensor::toMatrix(bias);
    const auto plain = makeLinear({"test", view, std::nullopt}, WeightStorage::AsStored);
    const auto biased = makeLinear({"test", view, bias}, WeightStorage::AsStored);
    for (const int64_t tokens : {2, 40}) {
      const Matrix x = test::randomMatrix(tokens, 40, 43);
      const Matrix expected = run(*plain, x).rowwise() + shift.row(0);
      QVERIFY(run(*biased, x) == expected);
    }
    QCOMPARE(biased->weightBytes(), plain->weightBytes() + 80);
  }

  void runsTogetherAsAlone() {
    const auto first = affine(test::randomGrid({}, 51));
    const auto second = affine(test::randomGrid({50, 192, 3, 20, false, true}, 52));
    const auto third = makeLinear({"test", test::randomStored(DType::Q8_0, 9, 192, 53), std::nullopt},
                                  WeightStorage::AsStored);
    const Linear* const linears[] = {first.get(), second.get(), third.get()};
    base::ThreadPool pool(2);
    for (const int64_t tokens : {1, 30}) {
      const Matrix x = test::randomMatrix(tokens, 192, 54);
      Matrix a(tokens, 37), b(tokens, 50), c(tokens, 9);
      float* const outputs[] = {a.data(), b.data(), c.data()};
      forwardTogether(linears, x.data(), tokens, outputs, pool);
      QVERIFY(a == run(*first, x));
      QVERIFY(b == run(*second, x));
      QVERIFY(c == run(*third, x));
    }
  }

  void refusesBadWeights() {
    Matrix values = test::randomMatrix(4, 32, 61);
    values(2, 7) = std::numeric_limits<float>::quiet_NaN();
    const std::string message =
        errorOf({"layer.q", tensor::ownedView(values), std::nullopt}, base::ErrorCode::Numerical);
    QCOMPARE(message, std::string("'layer.q': expected finite values, found NaN at row 2, column 7"));
    values(2, 7) = std::numeric_limits<float>::infinity();
    QVERIFY(errorOf({"layer.q", tensor::ownedView(values), std::nullopt}, base::ErrorCode::Numerical)
                .find("infinity") != std::string::npos);

    for (const DType dtype : {DType::F16, DType::BF16, DType::F8_E4M3, DType::Q8_0, DType::Q4_0, DType::Q4_1,
                              DType::Q5_1, DType::Q2_K, DType::Q6_K, DType::IQ4_XS}) {
      tensor::TensorView view =
          test::randomStored(dtype, 4, tensor::blockElements(dtype) > 32 ? 256 : 32, 62);
      auto bytes = std::make_shared<std::vector<std::byte>>(view.bytes.begin(), view.bytes.end());
      const uint16_t notANumber = 0x7FFF;
      // NaN in the first value or block of the last row.
      std::memcpy(bytes->data() + bytes->size() / 4 * 3 + tensor::blockScaleFields(dtype).offset, &notANumber,
                  2);
      view.bytes = *bytes;
      view.owner = bytes;
      QVERIFY(errorOf({"layer.q", view, std::nullopt}, base::ErrorCode::Numerical).find("row 3") !=
              std::string::npos);
    }

    auto grid = test::randomGrid({}, 63);
    grid.codes[5] = 200;
    QVERIFY(errorOf({"layer.q", grid, std::nullopt}, base::ErrorCode::Corrupt).find("layer.q") !=
            std::string::npos);
    tensor::TensorView truncated = test::randomStored(DType::F16, 4, 32, 64);
    truncated.bytes = truncated.bytes.first(100);
    QVERIFY(errorOf({"layer.q", truncated, std::nullopt}, base::ErrorCode::Corrupt).find("layer.q") !=
            std::string::npos);
  }
};

NIB_TEST(LinearTest)
#include "linear_test.moc"
