// SPDX-License-Identifier: Apache-2.0
#include "quantizers/hqq/method.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "quantization/parameters.hpp"
#include "quantization_cases.hpp"
#include "rounding_edges.hpp"
#include "tensor/half.hpp"
#include "test_data.hpp"

#include <QTest>

#include <cmath>

using namespace nibblesmith;
using tensor::Matrix;
using test::gridParameters;

namespace {

base::Json goldenCases() {
  return base::readJsonFile(test::projectFile("tests/golden/quantization/hqq.json"))["cases"];
}

hqq::HqqOptions optionsOf(const base::Json& c) {
  return hqq::hqqOptions(
      {{"lpNorm", c["norm"]}, {"beta", c["beta"]}, {"kappa", c["kappa"]}, {"iterations", c["iterations"]}});
}

Matrix makeWeights(int64_t rows, int64_t cols, uint64_t seed) {
  Matrix W = test::makeWeights(rows, cols, seed);
  for (int64_t i = 0; i < W.size(); i += 29)
    W.data()[i] *= 4.0f;
  return W;
}

quantization::RoundingResult round(const Matrix& W, const quantization::Grid& grid,
                                   const hqq::HqqOptions& options = {}, int threads = 2) {
  base::ThreadPool pool(threads);
  return hqq::HqqRounding(options).round({"w", W, nullptr, grid}, pool, {});
}

/// Computes sum |W - Q|^p.
double norm(const Matrix& W, const Matrix& Q, double p) {
  return (W - Q).cast<double>().array().abs().pow(p).sum();
}

Matrix nearest(const Matrix& W, const quantization::Grid& grid) {
  auto tensor = quantization::emptyTensor(grid, W.rows(), W.cols());
  Matrix Q(W.rows(), W.cols());
  for (int64_t r = 0; r < W.rows(); ++r)
    quantization::roundRowToNearest(W.row(r).data(), grid, {}, "w", r, tensor, Q.row(r).data());
  return Q;
}

/// Counts codes and groups that differ from the golden ones.
std::pair<int64_t, int64_t> differing(const base::Json& c, const tensor::QuantizedTensor& tensor) {
  const auto hex = c["codes"].get<std::string>();
  const auto scales = c["scales"].get<std::vector<float>>();
  const auto zeros = c["zeroPoints"].get<std::vector<int>>();
  int64_t codes = 0;
  int64_t groups = 0;
  for (size_t k = 0; k < tensor.codes.size(); ++k)
    codes += std::stoi(hex.substr(2 * k, 2), nullptr, 16) != tensor.codes[k];
  for (size_t g = 0; g < scales.size(); ++g)
    groups += scales[g] != tensor.scales.data()[g] || zeros[g] != tensor.zeroPoints[g];
  return {codes, groups};
}

} // namespace

class HqqTest : public QObject {
  Q_OBJECT
private slots:
  void golden_data();
  void golden();
  void wrongParametersAreDetected();
  void neverWorseThanNearest();
  void noWeightIsCutOff();
  void unitOfWeightsDoesNotMatter();
  void threadsDoNotChangeAnything();
  void edges_data();
  void edges();
  void badInputIsNamed();
  void cancelsInTime();
  void descriptionDefaults();
};

void HqqTest::golden_data() {
  QTest::addColumn<int>("index");
  int index = 0;
  for (const auto& c : goldenCases())
    QTest::newRow(c["name"].get<std::string>().c_str()) << index++;
}

void HqqTest::golden() {
  QFETCH(int, index);
  const auto c = goldenCases()[static_cast<size_t>(index)];
  const Matrix W = makeWeights(c["rows"], c["cols"], c["seed"]);
  const auto grid =
      quantization::makeGrid("affine", gridParameters(c["bits"], c["groupSize"], c["symmetric"]));
  const auto result = round(W, *grid, optionsOf(c));
  result.tensor.validate("w");
  const auto [codes, groups] = differing(c, result.tensor);
  // f32 instead of f64: of two equally good parameters, either may be found first.
  QVERIFY2(groups * 25 <= result.tensor.scales.size(), qPrintable(QString::number(groups)));
  QVERIFY2(codes * 100 <= W.size(), qPrintable(QString::number(codes)));
  const double found = norm(W, result.tensor.dequantize(), c["norm"].get<double>());
  QVERIFY2(std::abs(found / c["norms"].get<double>() - 1.0) < 1e-3, qPrintable(QString::number(found)));
}

void HqqTest::wrongParametersAreDetected() {
  for (const auto& c : goldenCases()) {
    const Matrix W = makeWeights(c["rows"], c["cols"], c["seed"]);
    const auto grid =
        quantization::makeGrid("affine", gridParameters(c["bits"], c["groupSize"], c["symmetric"]));
    auto options = optionsOf(c);
    options.norm *= 0.5;
    const auto tensor = round(W, *grid, options).tensor;
    QVERIFY2(differing(c, tensor).second * 25 > tensor.scales.size(), c["name"].get<std::string>().c_str());
  }
}

void HqqTest::neverWorseThanNearest() {
  const Matrix W = makeWeights(40, 200, 5);
  for (const int bits : {2, 3, 4, 8})
    for (const int groupSize : {0, 8, 48, 64})
      for (const bool symmetric : {true, false}) {
        const auto grid = quantization::makeGrid("affine", gridParameters(bits, groupSize, symmetric));
        const auto result = round(W, *grid);
        const Matrix ours = result.tensor.dequantize();
        const Matrix theirs = nearest(W, *grid);
        for (int64_t r = 0; r < W.rows(); ++r)
          QVERIFY(norm(W.row(r), ours.row(r), 0.7) <= norm(W.row(r), theirs.row(r), 0.7) * (1.0 + 1e-5));
        QVERIFY(norm(W, ours, 0.7) < norm(W, theirs, 0.7));
        if (bits == 3 && !symmetric && groupSize > 8)
          QVERIFY(norm(W, ours, 0.7) < 0.99 * norm(W, theirs, 0.7));
        for (int64_t g = 0; g < result.tensor.scales.size(); ++g)
          QCOMPARE(tensor::roundToF16(result.tensor.scales.data()[g]), result.tensor.scales.data()[g]);
      }
}

void HqqTest::noWeightIsCutOff() {
  // The norm alone would clip, because it tolerates a few large errors.
  const Matrix W = makeWeights(40, 192, 7);
  for (const int bits : {2, 3, 4})
    for (const bool symmetric : {true, false}) {
      const auto grid = quantization::makeGrid("affine", gridParameters(bits, 48, symmetric));
      const auto tensor = round(W, *grid).tensor;
      const Matrix Q = tensor.dequantize();
      for (int64_t r = 0; r < W.rows(); ++r)
        for (int64_t i = 0; i < W.cols(); ++i)
          QVERIFY(std::abs(W(r, i) - Q(r, i)) <= 0.51f * tensor.scales(r, i / 48));
    }
}

void HqqTest::unitOfWeightsDoesNotMatter() {
  const Matrix W = makeWeights(10, 96, 9);
  const auto grid = quantization::makeGrid("affine", gridParameters(3, 32, false));
  const Matrix scaled = 0.25f * W;
  QVERIFY(round(W, *grid).tensor.codes == round(scaled, *grid).tensor.codes);
  hqq::HqqOptions other;
  other.norm = 0.3;
  QVERIFY(round(W, *grid).tensor.codes != round(W, *grid, other).tensor.codes);
}

void HqqTest::threadsDoNotChangeAnything() {
  const Matrix W = makeWeights(100, 96, 31);
  const auto grid = quantization::makeGrid("affine", gridParameters(3, 32, false));
  const auto one = round(W, *grid, {}, 1).tensor;
  for (const int threads : {2, 5}) {
    const auto other = round(W, *grid, {}, threads).tensor;
    QVERIFY(other.codes == one.codes && other.scales == one.scales && other.zeroPoints == one.zeroPoints);
  }
}

void HqqTest::edges_data() { test::addEdgeRows(); }

void HqqTest::edges() {
  const auto [W, groupSize, fill] = test::fetchEdge();
  for (const bool symmetric : {true, false}) {
    const auto grid = quantization::makeGrid("affine", gridParameters(4, groupSize, symmetric));
    const auto result = round(W, *grid);
    result.tensor.validate("w");
    const Matrix Q = result.tensor.dequantize();
    QVERIFY(Q.allFinite());
    QVERIFY(norm(W, Q, 0.7) <= norm(W, nearest(W, *grid), 0.7) * (1.0 + 1e-5));
    if (fill == test::Fill::ZeroGroup)
      QVERIFY(Q.middleCols(32, 32).isZero());
  }
}

void HqqTest::badInputIsNamed() { test::checkBadInputIsNamed(hqq::HqqRounding({})); }

void HqqTest::cancelsInTime() {
  const Matrix W = makeWeights(4000, 2000, 71);
  const auto grid = quantization::makeGrid("affine", gridParameters(3, 64, false));
  test::checkCancelsInTime(hqq::HqqRounding({}), {"w", W, nullptr, *grid}, 60);
}

void HqqTest::descriptionDefaults() {
  const auto json = base::readJsonFile(test::projectFile("plugins/quantizers/hqq/method.json"));
  const auto method = quantization::methodFromJson(json, "method.json");
  const auto options = hqq::hqqOptions(quantization::completeParameters(method, base::Json::object()));
  const hqq::HqqOptions inCode;
  QCOMPARE(options.norm, inCode.norm);
  QCOMPARE(options.beta, inCode.beta);
  QCOMPARE(options.kappa, inCode.kappa);
  QCOMPARE(options.iterations, inCode.iterations);
  QVERIFY(!method.needsCalibration);
}

NIB_TEST(HqqTest)
#include "method_test.moc"
