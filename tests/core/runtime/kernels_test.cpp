// SPDX-License-Identifier: Apache-2.0
#include "nib_test.hpp"
#include "runtime/kernels/dispatch.hpp"
#include "test_weights.hpp"

#include <QTest>

#include <cmath>
#include <numbers>
#include <string_view>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using tensor::DType;
using tensor::Matrix;

namespace {

struct Stored {
  DType dtype;
  kernels::Format format;
};

constexpr Stored kStored[] = {
    {DType::F32, kernels::kF32},   {DType::F16, kernels::kF16},      {DType::BF16, kernels::kBF16},
    {DType::Q8_0, kernels::kQ8_0}, {DType::Q4_0, kernels::kQ4_0},    {DType::Q4_1, kernels::kQ4_1},
    {DType::Q5_0, kernels::kQ5_0}, {DType::Q5_1, kernels::kQ5_1},    {DType::Q2_K, kernels::kQ2_K},
    {DType::Q3_K, kernels::kQ3_K}, {DType::Q4_K, kernels::kQ4_K},    {DType::Q5_K, kernels::kQ5_K},
    {DType::Q6_K, kernels::kQ6_K}, {DType::IQ4_NL, kernels::kIq4Nl}, {DType::IQ4_XS, kernels::kIq4Xs}};

kernels::Rows rowsOf(const tensor::TensorView& view) {
  kernels::Rows rows = {};
  rows.codes = reinterpret_cast<const uint8_t*>(view.bytes.data());
  rows.rowBytes = static_cast<int64_t>(tensor::storageBytes(view.dtype, view.cols()));
  rows.columns = view.cols();
  return rows;
}

Matrix products(const kernels::Table& table, kernels::Format format, const kernels::Rows& rows, int64_t count,
                const Matrix& x) {
  Matrix y = Matrix::Constant(x.rows(), count, -1e30f);
  table.dot[format](rows, 0, count, {x.data(), x.cols(), x.rows(), y.data(), count});
  return y;
}

/// Returns true for implementations with fused multiply-add, which must agree bit by bit.
bool isFused(const kernels::Table& table) { return std::string_view(table.name) != "generic"; }

/// Largest difference from the definition, relative to 1 + |expected|.
template <typename Expected>
double worst(std::span<const float> found, Expected expected) {
  double highest = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const double e = expected(i);
    const double error = std::abs(static_cast<double>(found[i]) - e) / (1 + std::abs(e));
    highest = error > highest || std::isnan(error) ? error : highest;
  }
  return highest;
}

} // namespace

class KernelsTest : public QObject {
  Q_OBJECT

private slots:
  void alwaysHasThePortableOnes() {
    QCOMPARE(kernels::supported().front(), &kernels::kGeneric);
    QCOMPARE(&kernels::best(), kernels::supported().back());
  }

  void multipliesStoredRows_data() {
    QTest::addColumn<int>("which");
    QTest::addColumn<int>("cols");
    for (int which = 0; which < static_cast<int>(std::size(kStored)); ++which)
      for (const int cols : {32, 576, 172, 7, 256, 2304})
        if (cols % tensor::blockElements(kStored[which].dtype) == 0)
          QTest::addRow("%s, %d columns", tensor::toString(kStored[which].dtype).data(), cols)
              << which << cols;
  }
  void multipliesStoredRows() {
    QFETCH(int, which);
    QFETCH(int, cols);
    const Stored stored = kStored[which];
    const tensor::TensorView view = test::randomStored(stored.dtype, 13, cols, 5);
    const Matrix W = tensor::toMatrix(view);
    for (const int64_t tokens : {1, 2, 3, 4, 7, 8, 11}) {
      const Matrix x = test::randomMatrix(tokens, cols, 9);
      Matrix fused;
      for (const kernels::Table* table : kernels::supported()) {
        const Matrix y = products(*table, stored.format, rowsOf(view), 13, x);
        QVERIFY2(test::worstRelativeError(W, x, y) < test::kF32Sum, table->name);
        if (isFused(*table) && fused.size() > 0)
          QVERIFY2(fused == y, table->name);
        if (isFused(*table))
          fused = y;
        Matrix wrong = W;
        wrong(12, cols - 1) += 0.5f + W.cwiseAbs().maxCoeff();
        QVERIFY(test::worstRelativeError(wrong, x, y) > test::kF32Sum);
      }
    }
  }

  void givesATokenTheSameBitsInAnyCompany() {
    const tensor::TensorView view = test::randomStored(DType::Q4_1, 13, 96, 5);
    const Matrix x = test::randomMatrix(8, 96, 9);
    for (const kernels::Table* table : kernels::supported()) {
      const Matrix all = products(*table, kernels::kQ4_1, rowsOf(view), 13, x);
      for (int64_t t = 0; t < 8; ++t) {
        const Matrix one = products(*table, kernels::kQ4_1, rowsOf(view), 13, x.row(t));
        QVERIFY2(one.row(0) == all.row(t), table->name);
      }
    }
  }

  void unpacksAsTheReader() {
    for (const Stored& stored : kStored) {
      // More super-blocks than are unpacked at once, and a remainder.
      const int64_t elements = tensor::blockElements(stored.dtype);
      const int64_t cols = elements == 1 ? 45 : elements == 32 ? 64 : 9 * elements;
      const tensor::TensorView view = test::randomStored(stored.dtype, 5, cols, 3);
      const Matrix expected = tensor::toMatrix(view);
      for (const kernels::Table* table : kernels::supported()) {
        Matrix found(3, cols);
        table->unpack[stored.format](rowsOf(view), 1, 4, found.data());
        QVERIFY2(found == expected.middleRows(1, 3), table->name);
      }
    }
  }

  void looksUpCodeBooks_data() {
    QTest::addColumn<int>("bits");
    QTest::addColumn<bool>("own");
    for (int bits = 2; bits <= 6; ++bits)
      for (const bool own : {false, true})
        QTest::addRow("%d bits, %s", bits, own ? "own" : "shared") << bits << own;
  }
  void looksUpCodeBooks() {
    QFETCH(int, bits);
    QFETCH(bool, own);
    // Two rows with a group of two blocks and a group of one; every byte is a valid code.
    constexpr int64_t kGroups = 2;
    const int codes = 1 << bits;
    std::mt19937 random(static_cast<uint32_t>(bits));
    std::vector<uint8_t> bytes(static_cast<size_t>(2 * 3 * 4 * bits));
    for (auto& byte : bytes)
      byte = static_cast<uint8_t>(random());
    const Matrix shared = test::randomMatrix(1, codes, 41);
    Matrix scales = test::randomMatrix(2, kGroups, 42);
    scales(1, 0) = 2e-6f; // f16 subnormals
    scales(0, 1) = 1e-9f; // zeros
    std::vector<uint16_t> books;
    for (int i = 0; i < 2 * kGroups * codes; ++i)
      books.push_back(tensor::f32ToF16(static_cast<float>(i) / 7.0f - 3.0f));
    const int32_t groupBlocks[] = {2, 1};
    kernels::Rows rows = {};
    rows.codes = bytes.data();
    rows.rowBytes = 3 * 4 * bits;
    rows.columns = 96;
    rows.groups = kGroups;
    rows.groupBlocks = groupBlocks;
    rows.sharedBook = shared.data();
    rows.bookScales = scales.data();
    rows.groupBooks = own ? books.data() : nullptr;
    const auto codeAt = [&](int64_t row, int64_t column) {
      const uint8_t* at = bytes.data() + (row * 3 + column / 32) * 4 * bits;
      const int64_t i = column % 32;
      int code = 0;
      int done = 0;
      for (const int plane : {4, 2, 1})
        if (bits & plane) {
          code |= ((at[i % (4 * plane)] >> (plane * (i / (4 * plane)))) & ((1 << plane) - 1)) << done;
          done += plane;
          at += 4 * plane;
        }
      return code;
    };
    Matrix W(2, 96);
    for (int64_t r = 0; r < 2; ++r)
      for (int64_t i = 0; i < 96; ++i) {
        const int64_t g = i < 64 ? 0 : 1;
        W(r, i) = own ? tensor::f16ToF32(books[static_cast<size_t>((r * kGroups + g) * codes + codeAt(r, i))])
                      : tensor::roundToF16(scales(r, g) * shared(0, codeAt(r, i)));
      }
    const auto format = static_cast<kernels::Format>(kernels::kBook2 + bits - 2);
    for (const kernels::Table* table : kernels::supported()) {
      Matrix found(2, 96);
      table->unpack[format](rows, 0, 2, found.data());
      QVERIFY2(found == W, table->name);
      const Matrix x = test::randomMatrix(5, 96, 43);
      const Matrix y = products(*table, format, rows, 2, x);
      QVERIFY2(test::worstRelativeError(W, x, y) < test::kF32Sum, table->name);
    }
  }

  void readsEveryHalf() {
    // All finite f16 bit patterns, subnormals included.
    std::vector<uint16_t> halves;
    for (uint32_t bits = 0; bits < 65536; ++bits)
      if ((bits & 0x7C00u) != 0x7C00u)
        halves.push_back(static_cast<uint16_t>(bits));
    kernels::Rows rows = {};
    rows.codes = reinterpret_cast<const uint8_t*>(halves.data());
    rows.columns = static_cast<int64_t>(halves.size());
    for (const kernels::Table* table : kernels::supported()) {
      std::vector<float> found(halves.size());
      table->unpack[kernels::kF16](rows, 0, 1, found.data());
      for (size_t i = 0; i < halves.size(); ++i)
        QCOMPARE(std::bit_cast<uint32_t>(found[i]), std::bit_cast<uint32_t>(tensor::f16ToF32(halves[i])));
    }
  }

  void doesElementWiseOperations() {
    for (const int64_t n : {1, 8, 16, 77, 576}) {
      const Matrix x = 4 * test::randomMatrix(1, n, 1);
      const Matrix w = test::randomMatrix(1, n, 2);
      const auto size = static_cast<size_t>(n);
      const auto at = [](const Matrix& m, size_t i) { return static_cast<double>(m.data()[i]); };
      double squares = 0;
      double total = 0;
      const double highest = x.maxCoeff();
      for (size_t i = 0; i < size; ++i) {
        squares += at(x, i) * at(x, i);
        total += std::exp(0.5 * (at(x, i) - highest));
      }
      for (const kernels::Table* table : kernels::supported()) {
        Matrix out(1, n);
        table->rmsNorm(x.data(), w.data(), 1e-5f, n, out.data());
        const double scale = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
        QVERIFY(worst({out.data(), size}, [&](size_t i) { return at(w, i) * at(x, i) * scale; }) < 1e-6);
        QVERIFY(worst({out.data(), size}, [&](size_t i) { return at(x, i) * scale; }) > 1e-6);

        const auto silu = [](double v) { return v / (1 + std::exp(-v)); };
        const auto gelu = [](double v) { return 0.5 * v * std::erfc(-v / std::numbers::sqrt2); };
        const auto geluTanh = [](double v) {
          return 0.5 * v * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (v + 0.044715 * v * v * v)));
        };
        const std::pair<kernels::Curve, double (*)(double)> curves[] = {
            {kernels::kSilu, silu}, {kernels::kGelu, gelu}, {kernels::kGeluTanh, geluTanh}};
        for (const auto& [curve, expected] : curves) {
          table->activate[curve](x.data(), w.data(), n, out.data());
          QVERIFY2(worst({out.data(), size}, [&](size_t i) { return expected(at(x, i)) * at(w, i); }) < 1e-6,
                   table->name);
          table->activate[curve](x.data(), nullptr, n, out.data());
          QVERIFY2(worst({out.data(), size}, [&](size_t i) { return expected(at(x, i)); }) < 1e-6,
                   table->name);
        }

        out = x;
        table->softmax(out.data(), n, 0.5f);
        QVERIFY(worst({out.data(), size},
                      [&](size_t i) { return std::exp(0.5 * (at(x, i) - highest)) / total; }) < 1e-6);
      }
    }
  }

  void staysFiniteAtExtremes() {
    for (const kernels::Table* table : kernels::supported()) {
      float scores[3] = {-1e30f, 1000.0f, 1000.0f};
      table->softmax(scores, 3, 1.0f);
      QVERIFY(scores[0] < 1e-30f);
      QCOMPARE(scores[1], 0.5f);
      const float gate[4] = {-1000.0f, 1000.0f, 0.0f, -88.5f};
      const float up[4] = {1, 1, 1, 1};
      float out[4];
      for (const auto activate : table->activate) {
        activate(gate, up, 4, out);
        QVERIFY(std::abs(out[0]) < 1e-30f);
        QCOMPARE(out[1], 1000.0f);
        QCOMPARE(out[2], 0.0f);
        QVERIFY(std::abs(out[3]) < 1e-30f);
      }
    }
  }

  void sumsWeightedRows() {
    for (const int64_t n : {8, 64, 80, 128, 200}) {
      const Matrix rows = test::randomMatrix(33, n + 5, 4);
      const Matrix weights = test::randomMatrix(1, 33, 6);
      const Matrix W = rows.leftCols(n).transpose();
      for (const kernels::Table* table : kernels::supported()) {
        Matrix out(1, n);
        table->weightedRows(weights.data(), rows.data(), n + 5, 33, n, out.data());
        QVERIFY2(test::worstRelativeError(W, weights, out) < test::kF32Sum, table->name);
      }
    }
  }

  void rotatesHalves() {
    for (const kernels::Table* table : kernels::supported()) {
      float x[6] = {1, 2, 3, 4, 5, 6};
      const float cosines[3] = {1, 0, 0.6f};
      const float sines[3] = {0, 1, 0.8f};
      table->rotateHalves(x, cosines, sines, 3);
      const float expected[6] = {1, -5, 3 * 0.6f - 6 * 0.8f, 4, 2, 6 * 0.6f + 3 * 0.8f};
      for (int i = 0; i < 6; ++i)
        QVERIFY(std::abs(x[i] - expected[i]) < 1e-6f);
    }
  }
};

NIB_TEST(KernelsTest)
#include "kernels_test.moc"
