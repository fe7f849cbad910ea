// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "nib_test.hpp"
#include "quantization/parameters.hpp"
#include "quantization_cases.hpp"
#include "quantizers/smoothquant/method.hpp"
#include "rounding_edges.hpp"
#include "test_data.hpp"

#include <QTest>

#include <cmath>
#include <limits>

using namespace nibblesmith;
using quantization::TransformProblem;
using smoothquant::SmoothQuantOptions;
using smoothquant::SmoothQuantTransform;
using tensor::Matrix;
using tensor::Vector;

namespace {

/// Case of tests/golden/quantization/smoothquant.json with the data that its problem refers to.
struct Case {
  base::Json json;
  std::unique_ptr<quantization::Grid> grid;
  std::vector<Matrix> weights;
  Matrix X;
  Matrix hessian;
  Vector mean;
  Vector largest;
  tensor::ActivationScheme input;

  explicit Case(base::Json golden) : json(std::move(golden)) {
    const auto seed = json["seed"].get<uint64_t>();
    const auto cols = json["cols"].get<int64_t>();
    grid = quantization::makeGrid("affine",
                                  test::gridParameters(json["bits"], json["groupSize"], json["symmetric"]));
    uint64_t linear = 0;
    for (const int64_t rows : json["rows"].get<std::vector<int64_t>>())
      weights.push_back(test::makeWeights(rows, cols, seed + 10 * linear++));
    X = test::makeInputs(cols, seed + 500, json["dead"].get<std::vector<int64_t>>());
    for (const int64_t column : json["loud"].get<std::vector<int64_t>>())
      X.col(column) *= 50.0f;
    hessian = 2.0f / test::kTokens * (X.transpose() * X);
    if (json["static"]) {
      input.isDynamic = false;
      input.granularity = tensor::ActivationScheme::Granularity::Tensor;
    }
  }
  TransformProblem problem() {
    mean = X.cwiseAbs().colwise().mean().transpose();
    largest = X.cwiseAbs().colwise().maxCoeff().transpose();
    TransformProblem problem{{}, {}, {}, hessian, mean, json["sources"].get<std::vector<int64_t>>()};
    problem.maxMagnitude = &largest;
    problem.sample = &X;
    problem.input = &input;
    for (size_t l = 0; l < weights.size(); ++l) {
      problem.names.push_back("layer" + std::to_string(l) + ".up_proj");
      problem.grids.push_back(grid.get());
      problem.weights.push_back(&weights[l]);
    }
    return problem;
  }
};

base::Json goldenCases() {
  return base::readJsonFile(test::projectFile("tests/golden/quantization/smoothquant.json"))["cases"];
}

} // namespace

class SmoothQuantTest : public QObject {
  Q_OBJECT

private:
  static void cases() {
    QTest::addColumn<int>("index");
    int index = 0;
    const base::Json all = goldenCases();
    for (const auto& json : all)
      QTest::newRow(json["name"].get<std::string>().c_str()) << index++;
  }
  Vector scales(Case& c, const SmoothQuantOptions& options) {
    return SmoothQuantTransform(options).inputScales(c.problem(), m_pool, {});
  }
  base::ThreadPool m_pool{2};

private slots:
  void equationFour_data() { cases(); }
  void equationFour() {
    QFETCH(int, index);
    Case c(goldenCases()[static_cast<size_t>(index)]);
    const auto expected = c.json["scales"].get<std::vector<float>>();
    const auto alpha = c.json["alpha"].get<double>();
    const Vector s = scales(c, {alpha});
    QCOMPARE(s.size(), std::ssize(expected));
    for (int64_t i = 0; i < s.size(); ++i)
      QVERIFY2(std::abs(s[i] / expected[static_cast<size_t>(i)] - 1.0f) < 1e-5f,
               qPrintable(QString::number(i)));
    // Negative control: another alpha gives other scales.
    QVERIFY((s - scales(c, {alpha > 0.5 ? alpha - 0.05 : alpha + 0.05})).cwiseAbs().maxCoeff() > 0.01f);
  }

  void searchTakesTheLeastLoss_data() { cases(); }
  void searchTakesTheLeastLoss() {
    QFETCH(int, index);
    Case c(goldenCases()[static_cast<size_t>(index)]);
    const auto losses = c.json["losses"].get<std::vector<double>>();
    const auto least = std::min_element(losses.begin(), losses.end());
    SmoothQuantOptions options;
    options.search = true;
    options.gridPoints = std::ssize(losses);
    const Vector found = scales(c, options);
    if (c.json["plainLoss"].get<double>() <= *least) {
      QCOMPARE(found.size(), int64_t{0});
      return;
    }
    // f32 may move codes near a rounding boundary, so one of several nearly equal losses wins.
    bool isAmongTheBest = false;
    for (size_t point = 0; point < losses.size(); ++point)
      if (losses[point] <= 1.03 * *least) {
        const Vector s = scales(c, {static_cast<double>(point) / static_cast<double>(losses.size() - 1)});
        isAmongTheBest = isAmongTheBest || found == s;
      }
    QVERIFY(isAmongTheBest);
  }

  void loudChannelsAreSmoothed() {
    // The search finds the effect of the paper: outlier channels cost the others their precision.
    Case c(goldenCases()[6]);
    SmoothQuantOptions options;
    options.search = true;
    QVERIFY(scales(c, options).size() > 0);
    // The static scale is more sensitive, so the losses differ: the scheme is used.
    Case other(goldenCases()[7]);
    QVERIFY(scales(other, options).size() > 0);
  }

  void linearsBeforeAreLeftAloneUnlessAskedFor() {
    Case c(goldenCases()[0]);
    TransformProblem problem = c.problem();
    problem.afterNorm = false;
    SmoothQuantOptions options;
    QCOMPARE(SmoothQuantTransform(options).inputScales(problem, m_pool, {}).size(), int64_t{0});
    options.normsOnly = false;
    QCOMPARE(SmoothQuantTransform(options).inputScales(problem, m_pool, {}).size(), int64_t{160});
  }

  void threadsDoNotChangeAnything() {
    std::vector<Vector> found;
    for (const int threads : {1, 2, 5}) {
      base::ThreadPool pool(threads);
      Case c(goldenCases()[6]);
      c.weights[0] = test::makeWeights(300, c.weights[0].cols(), 9);
      SmoothQuantOptions options;
      options.search = true;
      found.push_back(SmoothQuantTransform(options).inputScales(c.problem(), pool, {}));
    }
    QVERIFY(found[0].size() > 0 && found[0] == found[1] && found[0] == found[2]);
  }

  void edges_data() { test::addEdgeRows(); }
  void edges() {
    const test::Edge edge = test::fetchEdge();
    const int64_t cols = edge.W.cols();
    SmoothQuantOptions search;
    search.search = true;
    for (const bool symmetric : {true, false})
      for (const SmoothQuantOptions& options : {SmoothQuantOptions(), search}) {
        Case c(goldenCases()[0]);
        c.weights = {edge.W};
        c.X = test::makeInputs(cols, 52, {});
        c.hessian = 2.0f / test::kTokens * (c.X.transpose() * c.X);
        c.grid = quantization::makeGrid("affine", test::gridParameters(8, edge.groupSize, symmetric));
        auto& sources = c.json["sources"] = base::Json::array();
        for (int64_t i = 0; i < cols; ++i)
          sources.push_back(i);
        const Vector s = scales(c, options);
        QVERIFY(c.weights[0] == edge.W);
        if (s.size() == 0 && options.search)
          continue; // no alpha is better than no smoothing
        QCOMPARE(s.size(), cols);
        QVERIFY(s.allFinite() && s.minCoeff() > 0.0f);
        if (options.search)
          continue;
        // Eq. 4 with alpha 1/2: s^2 = max|x| / max|w|, so s is 1 where both are equal.
        for (int64_t i = 0; i < cols; ++i) {
          const float x = c.X.col(i).cwiseAbs().maxCoeff();
          const float w = edge.W.col(i).cwiseAbs().maxCoeff();
          if (x > 0.0f && w > 0.0f)
            QVERIFY(std::abs(s[i] * s[i] * w / x - 1.0f) < 1e-4f);
        }
      }
  }

  void nothingToGain() {
    SmoothQuantOptions search;
    search.search = true;
    for (const SmoothQuantOptions& options : {SmoothQuantOptions(), search}) {
      Case dead(goldenCases()[0]);
      dead.X.setZero();
      const Vector ones = scales(dead, options);
      QVERIFY(ones.size() == 0 || ones == Vector::Ones(160));
      Case zero(goldenCases()[0]);
      zero.weights[0].setZero();
      const Vector s = scales(zero, options);
      QVERIFY(s.size() == 0 || (s.allFinite() && s.minCoeff() > 0.0f));
      Case row(goldenCases()[0]);
      row.weights[0] = test::makeWeights(1, 160, 3);
      row.weights[0](0, 40) = -500.0f;
      row.X(3, 9) = 1e6f;
      const Vector one = scales(row, options);
      QVERIFY(one.size() == 0 || (one.allFinite() && one.minCoeff() > 0.0f));
    }
  }

  void badInputIsNamed() {
    const auto messageOf = [&](Case& c) {
      try {
        scales(c, {});
      } catch (const base::Error& error) {
        return error.code() == base::ErrorCode::Numerical ? std::string(error.what())
                                                          : std::string("another code");
      }
      return std::string("accepted");
    };
    Case weights(goldenCases()[0]);
    weights.weights[0](2, 10) = std::numeric_limits<float>::quiet_NaN();
    QVERIFY(messageOf(weights).find("layer0.up_proj") != std::string::npos);
  }

  void cancels() {
    Case c(goldenCases()[0]);
    std::stop_source source;
    source.request_stop();
    SmoothQuantOptions options;
    options.search = true;
    QVERIFY_THROWS_EXCEPTION(
        base::Cancelled, SmoothQuantTransform(options).inputScales(c.problem(), m_pool, source.get_token()));
  }

  void descriptionDefaults() {
    const auto method = quantization::methodFromJson(
        base::readJsonFile(test::projectFile("plugins/quantizers/smoothquant/method.json")), "smoothquant");
    QVERIFY(method.kind == quantization::MethodKind::Transform && method.needsCalibration);
    const auto options =
        smoothquant::smoothQuantOptions(quantization::completeParameters(method, base::Json::object()));
    QCOMPARE(options.alpha, 0.5);
    QVERIFY(!options.search && options.normsOnly);
    QCOMPARE(options.gridPoints, int64_t{20});
    QVERIFY_THROWS_EXCEPTION(base::Error, quantization::completeParameters(method, {{"alpha", 1.2}}));
    QVERIFY_THROWS_EXCEPTION(base::Error, quantization::completeParameters(method, {{"alpha", -0.1}}));
  }
};

NIB_TEST(SmoothQuantTest)
#include "method_test.moc"
