// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "calibration/diversity.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTest>

#include <algorithm>
#include <limits>

using namespace nibblesmith;
using namespace nibblesmith::calibration;
using base::Json;
using tensor::Matrix;

namespace {

Json cases() {
  return base::readJsonFile(test::projectFile("tests/golden/calibration/clusters.json"))["cases"];
}

Matrix matrixOf(const Json& rows) {
  Matrix matrix(std::ssize(rows), std::ssize(rows[0]));
  for (int64_t r = 0; r < matrix.rows(); ++r)
    for (int64_t c = 0; c < matrix.cols(); ++c)
      matrix(r, c) = rows[static_cast<size_t>(r)][static_cast<size_t>(c)].get<float>();
  return matrix;
}

} // namespace

class DiversityTest : public QObject {
  Q_OBJECT
private slots:
  void agreesWithNumpy();
  void sameAtAnyNumberOfThreads();
  void edges();
  void meansOfEmbeddings();
};

void DiversityTest::agreesWithNumpy() {
  base::ThreadPool pool(2);
  for (const Json& row : cases()) {
    const Matrix points = matrixOf(row["points"]);
    const auto k = row["k"].get<int64_t>();
    const auto seed = row["seed"].get<uint64_t>();
    const auto seeds = plusPlusSeeds(points, k, seed, pool, {});
    QCOMPARE(seeds, row["seeds"].get<std::vector<int64_t>>());
    QVERIFY(k == 1 || plusPlusSeeds(points, k, seed + 1, pool, {}) != seeds);
    Matrix centres(std::ssize(seeds), points.cols());
    for (int64_t c = 0; c < centres.rows(); ++c)
      centres.row(c) = points.row(seeds[static_cast<size_t>(c)]);
    const Clusters clusters = kMeans(points, centres, pool, {});
    QCOMPARE(clusters.assignment, row["of"].get<std::vector<int64_t>>());
    QVERIFY((clusters.centres - matrixOf(row["centres"])).cwiseAbs().maxCoeff() < 1e-5f);
    const auto order = diverseOrder(points, k, seed, pool, {});
    QCOMPARE(order, row["order"].get<std::vector<int64_t>>());
    auto sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (size_t i = 0; i < sorted.size(); ++i)
      QCOMPARE(sorted[i], static_cast<int64_t>(i));
  }
}

void DiversityTest::sameAtAnyNumberOfThreads() {
  const Matrix points = matrixOf(cases()[1]["points"]);
  std::vector<std::vector<int64_t>> orders;
  for (const int threads : {1, 2, 5}) {
    base::ThreadPool pool(threads);
    orders.push_back(diverseOrder(points, 10, 2, pool, {}));
  }
  QVERIFY(orders[0] == orders[1] && orders[1] == orders[2]);
}

void DiversityTest::edges() {
  base::ThreadPool pool(1);
  QVERIFY(diverseOrder(Matrix(0, 3), 4, 1, pool, {}).empty());
  QCOMPARE(diverseOrder(Matrix::Zero(1, 3), 4, 1, pool, {}), std::vector<int64_t>{0});
  // All points are equal: one cluster, in their order.
  QCOMPARE(plusPlusSeeds(Matrix::Ones(5, 2), 3, 1, pool, {}).size(), size_t{1});
  QCOMPARE(diverseOrder(Matrix::Ones(5, 2), 3, 1, pool, {}), (std::vector<int64_t>{0, 1, 2, 3, 4}));
  // One dimension with one outlier, which forms its own cluster.
  Matrix line(6, 1);
  line << 0, 1, 2, 3, 4, 1e6f;
  const auto order = diverseOrder(line, 2, 1, pool, {});
  QVERIFY(order[0] == 5 || order[1] == 5);
  std::stop_source stop;
  stop.request_stop();
  QVERIFY_THROWS_EXCEPTION(base::Cancelled, diverseOrder(line, 2, 1, pool, stop.get_token()));
}

void DiversityTest::meansOfEmbeddings() {
  base::ThreadPool pool(2);
  Matrix embedding(3, 2);
  embedding << 1, 2, 3, 4, -5, 6;
  const Matrix means =
      meanEmbeddings({{0, 1}, {2}, {1, 1, 2, 2}, {}}, tensor::ownedView(embedding), pool, {});
  Matrix expected(4, 2);
  expected << 2, 3, -5, 6, -1, 5, 0, 0;
  QCOMPARE(means, expected);
  embedding(2, 1) = std::numeric_limits<float>::quiet_NaN();
  try {
    meanEmbeddings({{0, 1}, {2}}, tensor::ownedView(embedding), pool, {});
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY(error.code() == base::ErrorCode::Numerical);
    QVERIFY2(std::string(error.what()).find("embedding") != std::string::npos, error.what());
  }
}

NIB_TEST(DiversityTest)
#include "diversity_test.moc"
