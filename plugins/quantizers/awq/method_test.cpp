// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "model/model.hpp"
#include "nib_test.hpp"
#include "quantization/parameters.hpp"
#include "quantization_cases.hpp"
#include "quantizers/awq/clipping.hpp"
#include "quantizers/awq/method.hpp"
#include "rounding_edges.hpp"
#include "test_data.hpp"

#include <QTest>

#include <cmath>
#include <limits>

using namespace nibblesmith;
using quantization::TransformProblem;
using tensor::Matrix;
using tensor::Vector;

namespace {

/// Case of tests/golden/quantization/awq.json with the data that its problem refers to.
struct Case {
  base::Json json;
  std::unique_ptr<quantization::Grid> grid;
  std::vector<Matrix> weights;
  Matrix hessian;
  Vector magnitude;

  explicit Case(base::Json golden) : json(std::move(golden)) {
    const auto seed = json["seed"].get<uint64_t>();
    const auto cols = json["cols"].get<int64_t>();
    grid = quantization::makeGrid("affine",
                                  test::gridParameters(json["bits"], json["groupSize"], json["symmetric"]));
    uint64_t linear = 0;
    for (const int64_t rows : json["rows"].get<std::vector<int64_t>>())
      weights.push_back(test::makeWeights(rows, cols, seed + 10 * linear++));
    const Matrix X = test::makeInputs(cols, seed + 500, json["dead"].get<std::vector<int64_t>>());
    hessian = 2.0f / test::kTokens * (X.transpose() * X);
    magnitude = X.cwiseAbs().colwise().mean().transpose();
  }

  TransformProblem problem() {
    TransformProblem problem{{}, {}, {}, hessian, magnitude, json["sources"].get<std::vector<int64_t>>()};
    for (size_t l = 0; l < weights.size(); ++l) {
      problem.names.push_back("layer" + std::to_string(l) + ".up_proj");
      problem.roles.push_back(model::LinearRole::Up);
      problem.grids.push_back(grid.get());
      problem.weights.push_back(&weights[l]);
    }
    return problem;
  }
};

base::Json goldenCases() {
  return base::readJsonFile(test::projectFile("tests/golden/quantization/awq.json"))["cases"];
}

/// Loss of W rounded to nearest with its columns scaled by s.
double lossOf(const Matrix& W, const Vector& s, const quantization::Grid& grid, const Matrix& H) {
  const Matrix rounded = test::roundedToNearest(W * s.asDiagonal(), grid);
  return test::outputError(W, rounded * s.cwiseInverse().asDiagonal(), H);
}

awq::AwqTransform transformWith(bool clip) { return awq::AwqTransform({20, clip}); }

} // namespace

class AwqTest : public QObject {
  Q_OBJECT
private slots:
  void scales_data() { cases(); }
  void scales();
  void bounds_data() { cases(); }
  void bounds();
  void anotherHessianIsDetected();
  void queriesAndKeysAreNotClipped();
  void threadsDoNotChangeAnything();
  void edges_data() { test::addEdgeRows(); }
  void edges();
  void nothingToGain();
  void badInputIsNamed();
  void cancels();
  void descriptionDefaults();

private:
  static void cases() {
    QTest::addColumn<int>("index");
    int index = 0;
    for (const auto& json : goldenCases())
      QTest::newRow(json["name"].get<std::string>().c_str()) << index++;
  }
  base::ThreadPool m_pool{2};
};

void AwqTest::scales() {
  QFETCH(int, index);
  Case c(goldenCases()[static_cast<size_t>(index)]);
  const Vector s = transformWith(false).inputScales(c.problem(), m_pool, {});
  if (c.json["best"] == 0) {
    QCOMPARE(s.size(), int64_t{0});
    return;
  }
  const auto expected = c.json["scales"].get<std::vector<float>>();
  QCOMPARE(s.size(), std::ssize(expected));
  for (int64_t i = 0; i < s.size(); ++i)
    QVERIFY2(std::abs(s[i] / expected[static_cast<size_t>(i)] - 1.0f) < 1e-5f,
             qPrintable(QString::number(i)));
}

void AwqTest::bounds() {
  QFETCH(int, index);
  Case c(goldenCases()[static_cast<size_t>(index)]);
  const auto expected = c.json["bounds"].get<std::vector<float>>();
  const Matrix before = c.weights[0];
  awq::clip(c.weights[0], *c.grid, c.hessian, "w", m_pool, {});
  const int64_t size = c.grid->groupSize() == 0 ? before.cols() : c.grid->groupSize();
  const int64_t groups = (before.cols() + size - 1) / size;
  int64_t differing = 0;
  int64_t cut = 0;
  for (int64_t r = 0; r < before.rows(); ++r)
    for (int64_t g = 0; g < groups; ++g) {
      const float bound = expected[static_cast<size_t>(r * groups + g)];
      const int64_t count = std::min(size, before.cols() - g * size);
      const auto wanted = before.row(r).segment(g * size, count).cwiseMax(-bound).cwiseMin(bound).eval();
      differing += (wanted - c.weights[0].row(r).segment(g * size, count)).cwiseAbs().maxCoeff() > 1e-6f;
      cut += bound < before.row(r).segment(g * size, count).cwiseAbs().maxCoeff() - 1e-6f;
    }
  // Two candidates may have the same loss up to f32 rounding.
  QVERIFY2(differing * 50 <= before.rows() * groups, qPrintable(QString::number(differing)));
  QVERIFY2(cut * 5 > before.rows() * groups, "too few groups were cut to prove anything");
}

void AwqTest::anotherHessianIsDetected() {
  Case c(goldenCases()[1]);
  const Vector s = transformWith(false).inputScales(c.problem(), m_pool, {});
  c.magnitude = c.magnitude.reverse().eval();
  const Vector other = transformWith(false).inputScales(c.problem(), m_pool, {});
  QVERIFY(other.size() == 0 || (s - other).cwiseAbs().maxCoeff() > 0.01f);
}

void AwqTest::queriesAndKeysAreNotClipped() {
  using model::LinearRole;
  for (const LinearRole role : {LinearRole::Query, LinearRole::Key, LinearRole::QueryKeyValue}) {
    Case c(goldenCases()[3]);
    const std::vector<Matrix> before = c.weights;
    auto problem = c.problem();
    problem.roles[0] = role;
    transformWith(true).adjustWeights(problem, m_pool, {});
    QVERIFY(c.weights[0] == before[0]);
    QVERIFY(c.weights[1] != before[1]);
    const std::vector<Matrix> clipped = c.weights;
    transformWith(false).adjustWeights(problem, m_pool, {});
    QVERIFY(c.weights == clipped);
  }
}

void AwqTest::threadsDoNotChangeAnything() {
  std::vector<Vector> scales;
  std::vector<Matrix> clipped;
  for (const int threads : {1, 2, 5}) {
    base::ThreadPool pool(threads);
    Case c(goldenCases()[5]);
    c.weights[0] = test::makeWeights(300, c.weights[0].cols(), 9);
    scales.push_back(transformWith(false).inputScales(c.problem(), pool, {}));
    transformWith(true).adjustWeights(c.problem(), pool, {});
    clipped.push_back(c.weights[0]);
  }
  QVERIFY(scales[0].size() > 0);
  QVERIFY(scales[0] == scales[1] && scales[0] == scales[2]);
  QVERIFY(clipped[0] == clipped[1] && clipped[0] == clipped[2]);
}

void AwqTest::edges() {
  const test::Edge edge = test::fetchEdge();
  const int64_t cols = edge.W.cols();
  const Matrix X = test::makeInputs(cols, 52, {});
  const Matrix H = 2.0f / test::kTokens * (X.transpose() * X);
  const Vector magnitude = X.cwiseAbs().colwise().mean().transpose();
  for (const bool symmetric : {true, false}) {
    const auto grid = quantization::makeGrid("affine", test::gridParameters(3, edge.groupSize, symmetric));
    Matrix W = edge.W;
    TransformProblem problem{{"layer.up_proj"}, {grid.get()}, {&W}, H, magnitude, {}};
    problem.roles = {model::LinearRole::Up};
    for (int64_t i = 0; i < cols; ++i)
      problem.sources.push_back(i);
    const Vector s = transformWith(true).inputScales(problem, m_pool, {});
    QVERIFY(W == edge.W);
    const double plain = lossOf(edge.W, Vector::Ones(cols), *grid, H);
    if (s.size() > 0) {
      QCOMPARE(s.size(), cols);
      QVERIFY(s.allFinite() && s.minCoeff() > 0.0f);
      QVERIFY(lossOf(edge.W, s, *grid, H) < plain);
    }
    transformWith(true).adjustWeights(problem, m_pool, {});
    // Clipping moves weights towards 0, never across it.
    QVERIFY((W.array() * edge.W.array() >= 0.0f).all() &&
            (W.cwiseAbs().array() <= edge.W.cwiseAbs().array()).all());
    if (edge.fill == test::Fill::ZeroGroup)
      QVERIFY(W.middleCols(32, 32).isZero());
  }
}

void AwqTest::nothingToGain() {
  // All inputs 0; all-zero weights; one row with an outlier.
  Case c(goldenCases()[0]);
  c.hessian.setZero();
  c.magnitude.setZero();
  QCOMPARE(transformWith(true).inputScales(c.problem(), m_pool, {}).size(), int64_t{0});
  const Matrix before = c.weights[0];
  transformWith(true).adjustWeights(c.problem(), m_pool, {});
  QVERIFY(c.weights[0] == before); // clipping gains nothing, so nothing is clipped
  Case zero(goldenCases()[0]);
  zero.weights[0].setZero();
  transformWith(true).adjustWeights(zero.problem(), m_pool, {});
  QVERIFY(zero.weights[0].isZero());
  Case row(goldenCases()[0]);
  row.weights[0] = test::makeWeights(1, row.weights[0].cols(), 3);
  row.weights[0](0, 40) = -500.0f;
  const Vector s = transformWith(true).inputScales(row.problem(), m_pool, {});
  QVERIFY(s.size() == 0 || (s.allFinite() && s.minCoeff() > 0.0f));
}

void AwqTest::badInputIsNamed() {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Case c(goldenCases()[0]);
    c.weights[0](2, 10) = bad;
    try {
      transformWith(true).inputScales(c.problem(), m_pool, {});
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::Numerical);
      QVERIFY2(std::string(error.what()).find("layer0.up_proj") != std::string::npos, error.what());
    }
  }
}

void AwqTest::cancels() {
  Case c(goldenCases()[0]);
  std::stop_source source;
  source.request_stop();
  QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                           transformWith(true).inputScales(c.problem(), m_pool, source.get_token()));
  QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                           transformWith(true).adjustWeights(c.problem(), m_pool, source.get_token()));
}

void AwqTest::descriptionDefaults() {
  const auto method = quantization::methodFromJson(
      base::readJsonFile(test::projectFile("plugins/quantizers/awq/method.json")), "awq");
  QVERIFY(method.kind == quantization::MethodKind::Transform && method.needsCalibration);
  const auto options = awq::awqOptions(quantization::completeParameters(method, base::Json::object()));
  QCOMPARE(options.gridPoints, int64_t{20});
  QVERIFY(options.clip);
  QVERIFY_THROWS_EXCEPTION(base::Error, quantization::completeParameters(method, {{"gridPoints", 0}}));
}

NIB_TEST(AwqTest)
#include "method_test.moc"
