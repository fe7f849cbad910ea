// SPDX-License-Identifier: Apache-2.0
#include "quantizers/coordinate_descent/method.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "quantization/parameters.hpp"
#include "quantization_cases.hpp"
#include "quantizers/gptq/method.hpp"
#include "rounding_edges.hpp"
#include "tensor/half.hpp"
#include "test_data.hpp"

#include <QTest>

#include <limits>

using namespace nibblesmith;
using coordinate_descent::DescentOptions;
using coordinate_descent::DescentRounding;
using tensor::Matrix;
using test::gridParameters;
using test::makeHessian;
using test::makeWeights;
using test::outputError;

namespace {

const std::string kNothing = "coordinate descent found nothing to improve: this is GPTQ's answer";

base::Json goldenCases() {
  return base::readJsonFile(test::projectFile("tests/golden/quantization/coordinate_descent.json"))["cases"];
}

DescentOptions optionsOf(const base::Json& c) {
  return coordinate_descent::descentOptions({{"dampFraction", c["dampFraction"]},
                                             {"actOrder", c["actOrder"]},
                                             {"staticGroups", c["staticGroups"]},
                                             {"sweeps", c["sweeps"]},
                                             {"refitScales", c["refitScales"]}});
}

struct Case {
  Matrix W;
  Matrix H;
  std::unique_ptr<quantization::Grid> grid;
};

Case caseOf(const base::Json& c) {
  const auto seed = c["seed"].get<uint64_t>();
  return {makeWeights(c["rows"], c["cols"], seed),
          makeHessian(c["cols"], seed + 500, c["dead"].get<std::vector<int64_t>>()),
          quantization::makeGrid("affine", gridParameters(c["bits"], c["groupSize"], c["symmetric"]))};
}

quantization::RoundingResult round(const Case& c, const DescentOptions& options, int threads = 2) {
  base::ThreadPool pool(threads);
  return DescentRounding(options).round({"case", c.W, &c.H, *c.grid}, pool, {});
}

struct Comparison {
  int64_t codes = 0;  ///< number of different codes
  int64_t groups = 0; ///< number of groups with a different scale or zero point
};

Comparison compare(const base::Json& c, const tensor::QuantizedTensor& tensor) {
  const auto hex = c["codes"].get<std::string>();
  const auto scales = c["scales"].get<std::vector<float>>();
  const auto zeros = c["zeroPoints"].get<std::vector<int>>();
  Comparison found;
  for (size_t k = 0; k < tensor.codes.size(); ++k)
    found.codes += std::stoi(hex.substr(2 * k, 2), nullptr, 16) != tensor.codes[k];
  for (size_t g = 0; g < scales.size(); ++g)
    found.groups += scales[g] != tensor.scales.data()[g] || zeros[g] != tensor.zeroPoints[g];
  return found;
}

bool sameTensor(const tensor::QuantizedTensor& a, const tensor::QuantizedTensor& b) {
  return a.codes == b.codes && a.zeroPoints == b.zeroPoints && a.scales == b.scales &&
         a.groupIndex == b.groupIndex;
}

} // namespace

class CoordinateDescentTest : public QObject {
  Q_OBJECT
private slots:
  void golden_data();
  void golden();
  void wrongStepsAreDetected();
  void neverWorseThanItsStart_data();
  void neverWorseThanItsStart();
  void codeBooks();
  void everyWeightIsBestWhereItIs();
  void moreSweepsGainMore();
  void sayingThatNothingWasGained();
  void threadsDoNotChangeAnything();
  void edges_data();
  void edges();
  void badInputIsNamed();
  void cancelsInTime();
  void descriptionDefaults();
};

void CoordinateDescentTest::golden_data() {
  QTest::addColumn<int>("index");
  int index = 0;
  for (const auto& c : goldenCases())
    QTest::newRow(c["name"].get<std::string>().c_str()) << index++;
}

void CoordinateDescentTest::golden() {
  QFETCH(int, index);
  const auto c = goldenCases()[static_cast<size_t>(index)];
  const Case problem = caseOf(c);
  const auto result = round(problem, optionsOf(c));
  result.tensor.validate("case");
  const Comparison found = compare(c, result.tensor);
  const auto codes = static_cast<int64_t>(result.tensor.codes.size());
  // f32 instead of f64: a tie may break the other way, which changes the rest of its row.
  QVERIFY2(found.codes * 1000 <= codes, qPrintable(QString::number(found.codes)));
  QVERIFY2(found.groups * 100 <= result.tensor.scales.size(), qPrintable(QString::number(found.groups)));
  const double loss = outputError(problem.W, result.tensor.dequantize(), problem.H);
  QVERIFY2(std::abs(loss / c["loss"].get<double>() - 1.0) < 1e-3, qPrintable(QString::number(loss)));
  QVERIFY(loss < 0.96 * c["lossOfStart"].get<double>());
}

void CoordinateDescentTest::wrongStepsAreDetected() {
  for (const auto& c : goldenCases()) {
    const Case problem = caseOf(c);
    auto options = optionsOf(c);
    options.sweeps = 1;
    // Most changes happen in the first sweep; those of the others still exceed the tolerance.
    QVERIFY(compare(c, round(problem, options).tensor).codes * 1000 > 4 * problem.W.size());
    options = optionsOf(c);
    options.refitScales = !options.refitScales;
    QVERIFY(compare(c, round(problem, options).tensor).groups * 100 >
            static_cast<int64_t>(c["scales"].size()));
  }
}

void CoordinateDescentTest::neverWorseThanItsStart_data() {
  QTest::addColumn<int>("bits");
  QTest::addColumn<int>("groupSize");
  for (const int bits : {2, 3, 4, 8})
    for (const int groupSize : {0, 8, 48, 128})
      QTest::addRow("%d bits, groups of %d", bits, groupSize) << bits << groupSize;
}

void CoordinateDescentTest::neverWorseThanItsStart() {
  QFETCH(int, bits);
  QFETCH(int, groupSize);
  base::ThreadPool pool(2);
  for (const bool symmetric : {true, false})
    for (const bool refit : {true, false})
      for (const auto order : {gptq::ActOrder::None, gptq::ActOrder::Static, gptq::ActOrder::Dynamic}) {
        Case c{makeWeights(24, 200, 7), makeHessian(200, 8, {3, 90}),
               quantization::makeGrid("affine", gridParameters(bits, groupSize, symmetric))};
        DescentOptions options;
        options.start.actOrder = order;
        options.refitScales = refit;
        const Matrix before =
            gptq::GptqRounding(options.start).round({"w", c.W, &c.H, *c.grid}, pool, {}).tensor.dequantize();
        const auto result = round(c, options);
        result.tensor.validate("w");
        const Matrix after = result.tensor.dequantize();
        // Row by row, because rows are independent problems.
        for (int64_t r = 0; r < c.W.rows(); ++r) {
          const double start = outputError(c.W.row(r), before.row(r), c.H);
          const double end = outputError(c.W.row(r), after.row(r), c.H);
          QVERIFY2(end <= start * (1.0 + 1e-6),
                   qPrintable(QStringLiteral("%1 against %2").arg(end).arg(start)));
        }
        QVERIFY(outputError(c.W, after, c.H) < outputError(c.W, before, c.H));
        for (int64_t g = 0; g < result.tensor.scales.size(); ++g)
          QCOMPARE(tensor::roundToF16(result.tensor.scales.data()[g]), result.tensor.scales.data()[g]);
      }
}

void CoordinateDescentTest::codeBooks() {
  base::ThreadPool pool(2);
  for (const auto& [use, parameters] :
       {std::pair<std::string, base::Json>("nf4", {{"groupSize", 32}}),
        {"log", {{"groupSize", 32}}},
        {"learned", {{"bits", 2}, {"granularity", "group"}, {"groupSize", 32}}}}) {
    Case c{makeWeights(24, 200, 7), makeHessian(200, 8, {3, 90}), quantization::makeGrid(use, parameters)};
    const Matrix before = gptq::GptqRounding(DescentOptions().start)
                              .round({"w", c.W, &c.H, *c.grid}, pool, {})
                              .tensor.dequantize();
    const auto result = round(c, {});
    result.tensor.validate("w");
    QVERIFY(outputError(c.W, result.tensor.dequantize(), c.H) < outputError(c.W, before, c.H));
    QVERIFY(result.tensor.codes == round(c, {}, 5).tensor.codes);
  }
}

void CoordinateDescentTest::everyWeightIsBestWhereItIs() {
  Case c{makeWeights(6, 96, 17), makeHessian(96, 18, {5}),
         quantization::makeGrid("affine", gridParameters(3, 32, false))};
  DescentOptions options;
  options.sweeps = 100;
  const auto result = round(c, options);
  const Matrix Q = result.tensor.dequantize();
  const tensor::MatrixD H = c.H.cast<double>();
  for (int64_t r = 0; r < Q.rows(); ++r) {
    const tensor::MatrixD d = (Q - c.W).row(r).cast<double>();
    const tensor::MatrixD gradient = d * H;
    for (int64_t j = 0; j < Q.cols(); ++j)
      for (int code = 0; code < 8; ++code) {
        const quantization::GroupParameters group{
            result.tensor.scales(r, j / 32),
            static_cast<float>(result.tensor.zeroPoints[static_cast<size_t>(r * 3 + j / 32)])};
        const double step = static_cast<double>(c.grid->decode(static_cast<uint8_t>(code), group) - Q(r, j));
        const double change = 2.0 * step * gradient(0, j) + step * step * H(j, j);
        QVERIFY2(change >= -1e-3 * step * step * H(j, j), qPrintable(QString::number(change)));
      }
  }
}

void CoordinateDescentTest::moreSweepsGainMore() {
  Case c{makeWeights(40, 192, 11), makeHessian(192, 12, {}),
         quantization::makeGrid("affine", gridParameters(3, 64, false))};
  DescentOptions options;
  double last = std::numeric_limits<double>::infinity();
  for (const int64_t sweeps : {1, 2, 8}) {
    options.sweeps = sweeps;
    const double loss = outputError(c.W, round(c, options).tensor.dequantize(), c.H);
    QVERIFY(loss < last);
    last = loss;
  }
}

void CoordinateDescentTest::sayingThatNothingWasGained() {
  // Uncorrelated inputs: the nearest value is optimal.
  Case c{makeWeights(10, 64, 21), Matrix::Identity(64, 64),
         quantization::makeGrid("affine", gridParameters(4, 32, true))};
  DescentOptions options;
  options.refitScales = false;
  QCOMPARE(round(c, options).fallbacks, std::vector<std::string>{kNothing});
  options.refitScales = true;
  QCOMPARE(round(c, options).fallbacks, std::vector<std::string>{});
}

void CoordinateDescentTest::threadsDoNotChangeAnything() {
  Case c{makeWeights(300, 200, 31), makeHessian(200, 32, {7}),
         quantization::makeGrid("affine", gridParameters(4, 64, false))};
  for (const auto order : {gptq::ActOrder::Static, gptq::ActOrder::Dynamic}) {
    DescentOptions options;
    options.start.actOrder = order;
    const auto one = round(c, options, 1);
    QVERIFY(sameTensor(round(c, options, 2).tensor, one.tensor));
    QVERIFY(sameTensor(round(c, options, 5).tensor, one.tensor));
  }
}

void CoordinateDescentTest::edges_data() { test::addEdgeRows(); }

void CoordinateDescentTest::edges() {
  base::ThreadPool pool(2);
  const auto [W, groupSize, fill] = test::fetchEdge();
  for (const bool symmetric : {true, false})
    for (const auto order : {gptq::ActOrder::None, gptq::ActOrder::Static, gptq::ActOrder::Dynamic}) {
      Case c{W, makeHessian(W.cols(), 52, {}),
             quantization::makeGrid("affine", gridParameters(4, groupSize, symmetric))};
      DescentOptions options;
      options.start.actOrder = order;
      const auto result = round(c, options);
      result.tensor.validate("w");
      const Matrix Q = result.tensor.dequantize();
      QVERIFY(Q.allFinite());
      const Matrix start =
          gptq::GptqRounding(options.start).round({"w", c.W, &c.H, *c.grid}, pool, {}).tensor.dequantize();
      QVERIFY(outputError(W, Q, c.H) <= outputError(W, start, c.H) * (1.0 + 1e-6) + 1e-9);
    }
}

void CoordinateDescentTest::badInputIsNamed() { test::checkBadInputIsNamed(DescentRounding({})); }

void CoordinateDescentTest::cancelsInTime() {
  base::ThreadPool pool(2);
  const Matrix H = test::denseHessian(2000);
  const Matrix W = makeWeights(2000, 2000, 71);
  const auto grid = quantization::makeGrid("affine", gridParameters(4, 128, false));
  DescentOptions options;
  options.sweeps = 100;
  const DescentRounding rounding(options);
  const auto prepared = rounding.prepare("w", H, pool, {});
  // Stops early, in GPTQ, and late, in the descent.
  for (const int delayMs : {60, 2500})
    test::checkCancelsInTime(rounding, {"w", W, &H, *grid, prepared.get()}, delayMs);
}

void CoordinateDescentTest::descriptionDefaults() {
  const auto json =
      base::readJsonFile(test::projectFile("plugins/quantizers/coordinate_descent/method.json"));
  const auto method = quantization::methodFromJson(json, "method.json");
  const auto options =
      coordinate_descent::descentOptions(quantization::completeParameters(method, base::Json::object()));
  const DescentOptions inCode;
  QCOMPARE(options.sweeps, inCode.sweeps);
  QCOMPARE(options.refitScales, inCode.refitScales);
  QCOMPARE(options.start.dampFraction, inCode.start.dampFraction);
  QCOMPARE(options.start.actOrder, inCode.start.actOrder);
  QCOMPARE(options.start.staticGroups, inCode.start.staticGroups);
  QVERIFY(method.needsCalibration);
}

NIB_TEST(CoordinateDescentTest)
#include "method_test.moc"
