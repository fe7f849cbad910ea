// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "quantization_cases.hpp"
#include "runtime/kernels/dispatch.hpp"
#include "runtime/linear.hpp"
#include "runtime/row_linear.hpp"
#include "test_data.hpp"
#include "test_weights.hpp"

#include <QTest>

#include <limits>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using tensor::ActivationScheme;
using tensor::Matrix;

namespace {

base::Json golden() { return base::readJsonFile(test::projectFile("tests/golden/runtime/activations.json")); }

/// One case of tests/golden/runtime/activations.json.
struct Case {
  base::Json json;
  Matrix x;
  tensor::QuantizedTensor weight;
  ActivationScheme scheme;

  Case(const base::Json& file, size_t index) : json(file["cases"][index]) {
    const auto columns = file["inFeatures"].get<int64_t>();
    const auto seed = json["seed"].get<uint64_t>();
    const auto tokens = file["tokens"].get<int64_t>();
    const Matrix integers = test::makeInputs(columns, seed, {}).topRows(tokens);
    x = (integers.cast<double>().array() / 7.0 + 0.3).cast<float>();
    x.row(2).setZero();
    x.row(4) = x.row(4).cwiseAbs().eval();
    scheme.bits = json["bits"];
    scheme.symmetric = json["symmetric"];
    scheme.outlierThreshold = json["threshold"];
    if (json["granularity"] == "tensor")
      scheme.granularity = ActivationScheme::Granularity::Tensor;
    if (json["static"])
      scheme = tensor::staticScheme(scheme, x.minCoeff(), x.maxCoeff());
    const Matrix W = test::makeWeights(file["outFeatures"], columns, seed + 50);
    weight.outFeatures = W.rows();
    weight.inFeatures = weight.groupSize = columns;
    weight.bits = 8;
    weight.scales.resize(W.rows(), 1);
    weight.zeroPoints.assign(static_cast<size_t>(W.rows()), 128);
    for (int64_t o = 0; o < W.rows(); ++o) {
      const float scale = tensor::roundToF16(2 * W.row(o).cwiseAbs().maxCoeff() / 255.0f);
      weight.scales(o, 0) = scale;
      for (int64_t i = 0; i < columns; ++i)
        weight.codes.push_back(static_cast<uint8_t>(
            std::clamp(std::nearbyint(static_cast<double>(W(o, i)) / static_cast<double>(scale)), -128.0,
                       127.0) +
            128));
    }
  }
  std::unique_ptr<Linear> linear(WeightStorage storage) const {
    return makeLinear({"layer.q", weight, std::nullopt, scheme}, storage);
  }
};

Matrix run(const Linear& linear, const Matrix& x, int threads = 1) {
  base::ThreadPool pool(threads);
  Matrix y = Matrix::Constant(x.rows(), linear.outFeatures(), -1e30f);
  linear.forward(x.data(), x.rows(), y.data(), pool);
  return y;
}

Matrix outputs(const base::Json& json, int64_t tokens) {
  const auto values = json["outputs"].get<std::vector<float>>();
  return Eigen::Map<const Matrix>(values.data(), tokens, std::ssize(values) / tokens);
}

ActivationScheme perToken() { return {}; }

} // namespace

class InputTest : public QObject {
  Q_OBJECT

private slots:
  void asPyTorch_data() {
    QTest::addColumn<int>("index");
    int index = 0;
    const base::Json file = golden();
    for (const auto& json : file["cases"])
      QTest::newRow(json["name"].get<std::string>().c_str()) << index++;
  }
  void asPyTorch() {
    QFETCH(int, index);
    const base::Json file = golden();
    const Case c(file, static_cast<size_t>(index));
    const auto input =
        tensor::roundInput(c.scheme, c.x.data(), c.x.rows(), c.x.cols(), c.x.cols(), "layer.q");
    const auto codes = c.json["codes"].get<std::vector<int>>();
    QCOMPARE(input.codes.size(), codes.size());
    for (size_t i = 0; i < codes.size(); ++i)
      QCOMPARE(static_cast<int>(input.codes[i]), codes[i]);
    for (size_t t = 0; t < input.ranges.size(); ++t) {
      QCOMPARE(input.ranges[t].zeroPoint, c.json["zeroPoints"][t].get<int>());
      QVERIFY(std::abs(input.ranges[t].scale / c.json["scales"][t].get<float>() - 1.0f) < 1e-6f);
    }
    const Matrix expected = outputs(c.json, c.x.rows());
    const float tolerance = 2e-6f * expected.cwiseAbs().maxCoeff();
    for (const WeightStorage storage : {WeightStorage::AsStored, WeightStorage::Float32})
      QVERIFY((run(*c.linear(storage), c.x) - expected).cwiseAbs().maxCoeff() < tolerance);
    // Negative controls: unquantized inputs, and another weight.
    const auto plain = makeLinear({"layer.q", c.weight, std::nullopt}, WeightStorage::AsStored);
    QVERIFY((run(*plain, c.x) - expected).cwiseAbs().maxCoeff() > 10 * tolerance);
    Case other(file, static_cast<size_t>(index));
    other.weight.codes[3] = static_cast<uint8_t>(other.weight.codes[3] ^ 4u);
    QVERIFY((run(*other.linear(WeightStorage::AsStored), c.x) - expected).cwiseAbs().maxCoeff() > tolerance);
  }

  void integersAreExact() {
    for (const int64_t columns : {1, 63, 64, 576, 700})
      for (const float threshold : {0.0f, 2.0f}) {
        auto grid = test::randomGrid({37, columns, 8, columns, true, false}, 5);
        QVERIFY(fitsInt8(grid));
        ActivationScheme scheme;
        scheme.outlierThreshold = threshold;
        const auto integers = makeLinear({"layer.q", grid, std::nullopt, scheme}, WeightStorage::AsStored);
        // Float32 storage keeps them packed: no f32 copy.
        const auto evaluated = makeLinear({"layer.q", grid, std::nullopt, scheme}, WeightStorage::Float32);
        QCOMPARE(evaluated->weightBytes(), integers->weightBytes());
        for (const int64_t tokens : {1, 3, 4, 9, 70}) {
          const Matrix x = test::randomMatrix(tokens, columns, 6);
          Matrix values(tokens, columns);
          tensor::roundInputValues(scheme, x.data(), tokens, columns, "x", values.data());
          const Matrix W = grid.dequantize();
          const Matrix y = run(*integers, x);
          QVERIFY(test::worstRelativeError(W, values, y) < test::kF32Sum);
          QVERIFY(run(*evaluated, x) == y);
          QVERIFY(y == run(*integers, x, 2) && y == run(*integers, x, 5));
          // A token's result does not depend on the others.
          for (int64_t t = 0; t < tokens; t += 8)
            QVERIFY(run(*integers, x.row(t)) == y.row(t));
        }
      }
  }

  void everyKernelIsExact() {
    std::mt19937 random(3);
    for (const int64_t columns : {64, 192, 640}) {
      std::vector<int8_t> codes(static_cast<size_t>(11 * columns)), x(static_cast<size_t>(7 * columns));
      for (int8_t& code : codes)
        code = static_cast<int8_t>(random());
      for (int8_t& code : x)
        code = static_cast<int8_t>(random());
      // The extreme codes, which saturating instructions would get wrong.
      std::fill_n(codes.begin(), columns, int8_t{-128});
      std::fill_n(x.begin(), columns, int8_t{-128});
      std::vector<int32_t> sums(11);
      for (size_t o = 0; o < 11; ++o)
        for (int64_t i = 0; i < columns; ++i)
          sums[o] += codes[o * static_cast<size_t>(columns) + static_cast<size_t>(i)];
      for (const kernels::Table* table : kernels::supported())
        for (const int64_t tokens : {1, 4, 7}) {
          std::vector<int32_t> y(static_cast<size_t>(tokens * 11), -1);
          table->dotInt8({codes.data(), sums.data(), columns}, 0, 11, x.data(), tokens, y.data(), 11);
          for (int64_t t = 0; t < tokens; ++t)
            for (int64_t o = 0; o < 11; ++o) {
              int32_t expected = 0;
              for (int64_t i = 0; i < columns; ++i)
                expected +=
                    codes[static_cast<size_t>(o * columns + i)] * x[static_cast<size_t>(t * columns + i)];
              QVERIFY2(y[static_cast<size_t>(t * 11 + o)] == expected, table->name);
            }
        }
    }
  }

  void otherWeightsTakeRoundedInputsToo() {
    // Weights without an integer product: groups, few bits, act-order, f16.
    std::vector<model::Weight> weights = {test::randomGrid({37, 200, 8, 64, true, false}, 8),
                                          test::randomGrid({37, 200, 8, 200, false, false}, 8),
                                          test::randomGrid({37, 200, 4, 20, false, true}, 8),
                                          test::randomStored(tensor::DType::F16, 37, 200, 8)};
    for (const model::Weight& weight : weights)
      for (const int64_t tokens : {2, 20}) {
        const Matrix x = test::randomMatrix(tokens, 200, 9);
        Matrix values(tokens, 200);
        tensor::roundInputValues(perToken(), x.data(), tokens, 200, "x", values.data());
        const Matrix y =
            run(*makeLinear({"layer.q", weight, std::nullopt, perToken()}, WeightStorage::AsStored), x);
        QVERIFY(test::worstRelativeError(model::toMatrix(weight), values, y) < test::kF32Sum);
      }
  }

  void runsTogetherAsAlone() {
    // The first two share their quantized input; the others have different schemes and layouts.
    ActivationScheme four;
    four.bits = 4;
    const auto grid = [](uint32_t seed) { return test::randomGrid({20, 192, 8, 192, true, false}, seed); };
    std::vector<std::unique_ptr<Linear>> owned;
    owned.push_back(makeLinear({"a", grid(1), std::nullopt, perToken()}, WeightStorage::AsStored));
    owned.push_back(makeLinear({"b", grid(2), std::nullopt, perToken()}, WeightStorage::AsStored));
    owned.push_back(makeLinear({"c", grid(3), std::nullopt, four}, WeightStorage::AsStored));
    owned.push_back(makeLinear({"d", grid(4), std::nullopt}, WeightStorage::AsStored));
    owned.push_back(
        makeLinear({"e", test::randomGrid({20, 192, 8, 64, true, false}, 5), std::nullopt, perToken()},
                   WeightStorage::Float32));
    std::vector<const Linear*> linears;
    std::vector<Matrix> found(owned.size(), Matrix(5, 20));
    std::vector<float*> pointers;
    for (size_t i = 0; i < owned.size(); ++i) {
      linears.push_back(owned[i].get());
      pointers.push_back(found[i].data());
    }
    const Matrix x = test::randomMatrix(5, 192, 7);
    base::ThreadPool pool(2);
    forwardTogether(linears, x.data(), 5, pointers, pool);
    for (size_t i = 0; i < owned.size(); ++i)
      QVERIFY(found[i] == run(*owned[i], x));
  }

  void badInputNamesTheLayer() {
    Matrix x = test::randomMatrix(2, 64, 1);
    x(1, 5) = std::numeric_limits<float>::quiet_NaN();
    for (const WeightStorage storage : {WeightStorage::AsStored, WeightStorage::Float32}) {
      const auto linear = makeLinear(
          {"layer.q", test::randomGrid({3, 64, 8, 64, true, false}, 2), std::nullopt, perToken()}, storage);
      try {
        run(*linear, x);
        QFAIL("expected an error");
      } catch (const base::Error& error) {
        QVERIFY(error.code() == base::ErrorCode::Numerical);
        QCOMPARE(std::string(error.what()),
                 std::string("input of 'layer.q': expected finite values, found NaN at token 1, channel 5"));
      }
    }
  }
};

NIB_TEST(InputTest)
#include "input_test.moc"
