// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "quantization/parameters.hpp"
#include "quantization_cases.hpp"
#include "quantizers/gptq/factorization.hpp"
#include "quantizers/gptq/method.hpp"
#include "rounding_edges.hpp"
#include "test_data.hpp"

#include <QTest>

#include <cmath>

using namespace nibblesmith;
using tensor::Matrix;
using test::gridParameters;
using test::makeHessian;
using test::makeWeights;
using test::outputError;
using test::roundedToNearest;

namespace {

gptq::GptqOptions optionsOf(const base::Json& c) {
  return gptq::gptqOptions({{"dampFraction", c["dampFraction"]},
                            {"actOrder", c["actOrder"]},
                            {"staticGroups", c["staticGroups"]},
                            {"blockSize", c.value("blockSize", 128)}});
}

base::Json goldenCases() {
  return base::readJsonFile(test::projectFile("tests/golden/quantization/gptq.json"))["cases"];
}

struct Comparison {
  int64_t differing = 0;
  int64_t byMoreThanOne = 0;
  int64_t weights = 0;
  float largestError = 0; ///< largest difference of dequantized values with equal codes
};

quantization::RoundingResult roundCase(const base::Json& c, const gptq::GptqOptions& options) {
  base::ThreadPool pool(2);
  const auto rows = c["rows"].get<int64_t>();
  const auto cols = c["cols"].get<int64_t>();
  const auto seed = c["seed"].get<uint64_t>();
  const Matrix W = makeWeights(rows, cols, seed);
  const Matrix H = makeHessian(cols, seed + 500, c["dead"].get<std::vector<int64_t>>());
  const auto grid =
      quantization::makeGrid("affine", gridParameters(c["bits"], c["groupSize"], c["symmetric"]));
  return gptq::GptqRounding(options).round({"case", W, &H, *grid}, pool, {});
}

Comparison compare(const base::Json& c, const tensor::QuantizedTensor& tensor) {
  const auto hex = c["codes"].get<std::string>();
  const auto scales = c["scales"].get<std::vector<float>>();
  const auto zeros = c["zeroPoints"].get<std::vector<int>>();
  const Matrix values = tensor.dequantize();
  Comparison result;
  result.weights = values.size();
  for (int64_t k = 0; k < values.size(); ++k) {
    const auto at = static_cast<size_t>(k);
    const int code = std::stoi(hex.substr(2 * at, 2), nullptr, 16);
    const int distance = std::abs(code - static_cast<int>(tensor.codes[at]));
    result.differing += distance > 0;
    result.byMoreThanOne += distance > 1;
    if (distance > 0)
      continue;
    const int64_t row = k / tensor.inFeatures;
    const int64_t col = k % tensor.inFeatures;
    const int64_t g = tensor.groupIndex.empty() ? col / tensor.groupSize
                                                : c["groupIndex"][static_cast<size_t>(col)].get<int64_t>();
    const auto group = static_cast<size_t>(row * tensor.groups() + g);
    const float expected = scales[group] * static_cast<float>(code - zeros[group]);
    result.largestError = std::max(result.largestError, std::abs(expected - values.data()[k]));
  }
  return result;
}

bool sameTensor(const tensor::QuantizedTensor& a, const tensor::QuantizedTensor& b) {
  return a.codes == b.codes && a.zeroPoints == b.zeroPoints && a.scales == b.scales &&
         a.groupIndex == b.groupIndex;
}

} // namespace

class GptqTest : public QObject {
  Q_OBJECT
private slots:
  void golden_data();
  void golden();
  void wrongDampingIsDetected();
  void blockSizeDoesNotChangeTheResult();
  void factorIsThatOfTheInverse();
  void beatsNearestOnCorrelatedInputs();
  void threadsDoNotChangeAnything();
  void preparedHessianGivesTheSame();
  void dampingIsRaisedAndReported();
  void edges_data();
  void edges();
  void badInputIsNamed();
  void cancelsInTime();
  void descriptionDefaults();
};

void GptqTest::golden_data() {
  QTest::addColumn<int>("index");
  int index = 0;
  for (const auto& c : goldenCases())
    QTest::newRow(c["name"].get<std::string>().c_str()) << index++;
}

void GptqTest::golden() {
  QFETCH(int, index);
  const auto c = goldenCases()[static_cast<size_t>(index)];
  const auto result = roundCase(c, optionsOf(c));
  result.tensor.validate("case");
  const auto expectedIndex = c["groupIndex"].get<std::vector<int32_t>>();
  QCOMPARE(result.tensor.groupIndex, expectedIndex);
  const Comparison found = compare(c, result.tensor);
  // f32 instead of f64: a tie may break the other way, but nothing more.
  QVERIFY2(found.differing * 1000 <= found.weights, qPrintable(QString::number(found.differing)));
  QCOMPARE(found.byMoreThanOne, 0);
  QVERIFY2(found.largestError < 1e-6f, qPrintable(QString::number(static_cast<double>(found.largestError))));
  QCOMPARE(result.fallbacks.empty(), c["dead"].empty() && c["cols"].get<int>() == 160);
}

void GptqTest::wrongDampingIsDetected() {
  for (const auto& c : goldenCases()) {
    auto options = optionsOf(c);
    options.dampFraction = 1.0;
    const Comparison found = compare(c, roundCase(c, options).tensor);
    QVERIFY2(found.differing * 100 > found.weights, c["name"].get<std::string>().c_str());
  }
}

void GptqTest::blockSizeDoesNotChangeTheResult() {
  for (const auto& c : goldenCases())
    for (const int64_t blockSize : {1, 7, 50, 4096}) {
      auto options = optionsOf(c);
      options.blockSize = blockSize;
      const Comparison found = compare(c, roundCase(c, options).tensor);
      QVERIFY2(found.differing * 1000 <= found.weights, c["name"].get<std::string>().c_str());
    }
}

void GptqTest::factorIsThatOfTheInverse() {
  base::ThreadPool pool(2);
  const int64_t n = 330;
  const Matrix H = makeHessian(n, 5, {});
  const auto factored = gptq::factorHessian("H", H, 0.05, true, pool, {});
  const double damping = 0.05 * H.diagonal().cast<double>().mean();
  tensor::MatrixD A(n, n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      A(i, j) = static_cast<double>(
                    H(factored->order[static_cast<size_t>(i)], factored->order[static_cast<size_t>(j)])) +
                (i == j ? damping : 0.0);
  const tensor::MatrixD U = factored->U.cast<double>();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < i; ++j)
      QCOMPARE(U(i, j), 0.0);
  const tensor::MatrixD identity = U.transpose() * U * A;
  const double error = (identity - tensor::MatrixD::Identity(n, n)).cwiseAbs().maxCoeff();
  QVERIFY2(error < 1e-4, qPrintable(QString::number(error)));
  QVERIFY((2.0 * identity - tensor::MatrixD::Identity(n, n)).cwiseAbs().maxCoeff() > 0.5);
  for (size_t i = 1; i < factored->order.size(); ++i)
    QVERIFY(H(factored->order[i - 1], factored->order[i - 1]) >= H(factored->order[i], factored->order[i]));
}

void GptqTest::beatsNearestOnCorrelatedInputs() {
  base::ThreadPool pool(2);
  const Matrix W = makeWeights(40, 192, 11);
  const Matrix H = makeHessian(192, 12, {});
  for (const auto order : {gptq::ActOrder::None, gptq::ActOrder::Static, gptq::ActOrder::Dynamic})
    for (const int bits : {2, 3, 4, 8}) {
      const auto grid = quantization::makeGrid("affine", gridParameters(bits, 64, true));
      const auto result = gptq::GptqRounding({0.01, order, false, 128}).round({"w", W, &H, *grid}, pool, {});
      const double ours = outputError(W, result.tensor.dequantize(), H);
      const double nearest = outputError(W, roundedToNearest(W, *grid), H);
      QVERIFY2(ours < 0.8 * nearest,
               qPrintable(QStringLiteral("%1 bit: %2 against %3").arg(bits).arg(ours).arg(nearest)));
      QVERIFY(ours > 0.01 * nearest);
    }
}

void GptqTest::threadsDoNotChangeAnything() {
  const Matrix W = makeWeights(250, 300, 21);
  const Matrix H = makeHessian(300, 22, {3});
  const auto grid = quantization::makeGrid("affine", gridParameters(4, 64, false));
  for (const auto order : {gptq::ActOrder::None, gptq::ActOrder::Static, gptq::ActOrder::Dynamic}) {
    std::vector<tensor::QuantizedTensor> results;
    for (const int threads : {1, 2, 5}) {
      base::ThreadPool pool(threads);
      results.push_back(
          gptq::GptqRounding({0.01, order, false, 128}).round({"w", W, &H, *grid}, pool, {}).tensor);
    }
    QVERIFY(sameTensor(results[0], results[1]));
    QVERIFY(sameTensor(results[0], results[2]));
  }
}

void GptqTest::preparedHessianGivesTheSame() {
  base::ThreadPool pool(2);
  const Matrix W = makeWeights(30, 96, 31);
  const Matrix H = makeHessian(96, 32, {});
  const auto grid = quantization::makeGrid("affine", gridParameters(3, 32, true));
  const gptq::GptqRounding rounding({});
  const auto prepared = rounding.prepare("w", H, pool, {});
  QVERIFY(prepared);
  QVERIFY(sameTensor(rounding.round({"w", W, &H, *grid}, pool, {}).tensor,
                     rounding.round({"w", W, &H, *grid, prepared.get()}, pool, {}).tensor));
}

void GptqTest::dampingIsRaisedAndReported() {
  base::ThreadPool pool(1);
  // The Gram matrix of one token has rank 1; made slightly indefinite, as rounding errors do.
  Matrix H = Matrix::Constant(20, 20, 1.0f);
  for (int64_t i = 0; i < 20; ++i)
    H(i, i) = 0.97f;
  const Matrix W = makeWeights(4, 20, 41);
  const auto grid = quantization::makeGrid("affine", gridParameters(4, 0, true));
  const auto result =
      gptq::GptqRounding({0.01, gptq::ActOrder::None, false, 128}).round({"w", W, &H, *grid}, pool, {});
  QCOMPARE(result.fallbacks,
           std::vector<std::string>{"damping raised from 0.01 to 0.04 of the mean diagonal"});
}

void GptqTest::edges_data() { test::addEdgeRows(); }

void GptqTest::edges() {
  base::ThreadPool pool(2);
  const auto [W, groupSize, fill] = test::fetchEdge();
  const Matrix H = makeHessian(W.cols(), 52, {});
  for (const bool symmetric : {true, false})
    for (const auto order : {gptq::ActOrder::None, gptq::ActOrder::Static, gptq::ActOrder::Dynamic}) {
      const auto grid = quantization::makeGrid("affine", gridParameters(8, groupSize, symmetric));
      const auto result = gptq::GptqRounding({0.01, order, true, 128}).round({"w", W, &H, *grid}, pool, {});
      result.tensor.validate("w");
      const Matrix Q = result.tensor.dequantize();
      // 8 bits: every weight is within a few steps of its group's grid.
      const float step = W.cwiseAbs().maxCoeff() * 2.0f / 255.0f;
      QVERIFY((Q - W).cwiseAbs().maxCoeff() <= 40.0f * step);
      QVERIFY(outputError(W, Q, H) <= outputError(W, roundedToNearest(W, *grid), H) * 1.3 + 1e-9);
      if (fill == test::Fill::ZeroGroup && order != gptq::ActOrder::Dynamic)
        QVERIFY(Q.middleCols(32, 32).isZero());
    }
}

void GptqTest::badInputIsNamed() { test::checkBadInputIsNamed(gptq::GptqRounding({})); }

void GptqTest::cancelsInTime() {
  base::ThreadPool pool(2);
  const Matrix H = test::denseHessian(3000);
  const Matrix W = makeWeights(3000, 3000, 71);
  const auto grid = quantization::makeGrid("affine", gridParameters(4, 128, true));
  const gptq::GptqRounding rounding({});
  const auto prepared = rounding.prepare("w", H, pool, {});
  for (const bool factoring : {true, false})
    test::checkCancelsInTime(rounding, {"w", W, &H, *grid, factoring ? nullptr : prepared.get()}, 60);
}

void GptqTest::descriptionDefaults() {
  const auto json = base::readJsonFile(test::projectFile("plugins/quantizers/gptq/method.json"));
  const auto method = quantization::methodFromJson(json, "method.json");
  const auto options = gptq::gptqOptions(quantization::completeParameters(method, base::Json::object()));
  const gptq::GptqOptions inCode;
  QCOMPARE(options.dampFraction, inCode.dampFraction);
  QCOMPARE(options.actOrder, inCode.actOrder);
  QCOMPARE(options.staticGroups, inCode.staticGroups);
  QCOMPARE(options.blockSize, inCode.blockSize);
  QVERIFY(method.needsCalibration);
}

NIB_TEST(GptqTest)
#include "method_test.moc"
