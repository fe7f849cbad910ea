// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "checkpoint/weight_statistics.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace nibblesmith;
using checkpoint::WeightStatistics;

namespace {

checkpoint::Checkpoint withMatrix(const tensor::Matrix& values) {
  checkpoint::Checkpoint checkpoint;
  checkpoint.path = "/test";
  checkpoint.tensors.emplace("w", tensor::ownedView(values));
  return checkpoint;
}

} // namespace

class WeightStatisticsTest : public QObject {
  Q_OBJECT

private slots:
  void momentsAreThoseOfTheValues() {
    // Expected values from numpy for the same eight numbers.
    tensor::Matrix values(2, 4);
    values << 1, 2, 3, 4, -1, 0, 5, 10;
    const WeightStatistics s = weightStatistics(withMatrix(values), "w", {});
    QCOMPARE(s.count, 8u);
    QCOMPARE(s.mean, 3.0);
    QVERIFY(std::abs(s.standardDeviation - 3.24037034920393) < 1e-12);
    QVERIFY(std::abs(s.excessKurtosis - 0.14285714285714279) < 1e-12);
    QCOMPARE(s.minimum, -1.0f);
    QCOMPARE(s.maximum, 10.0f);
    QCOMPARE(s.limit, 10.0f);
    QCOMPARE(std::accumulate(s.histogram.begin(), s.histogram.end(), uint64_t{0}), 8u);
    QCOMPARE(s.histogram.back(), 1u);                       // 10
    QCOMPARE(s.histogram[WeightStatistics::kBins / 2], 1u); // 0
    QCOMPARE(s.channelMagnitudes, (std::vector<float>{1, 2, 5, 10}));
    QVERIFY(s.outlierChannels.empty()); // the median channel has magnitude 5
  }
  void findsOutlierChannels() {
    tensor::Matrix values = tensor::Matrix::Constant(4, 64, 0.1f);
    values(3, 17) = -2.0f;
    values(1, 40) = 5.0f;
    const WeightStatistics s = weightStatistics(withMatrix(values), "w", {});
    QCOMPARE(s.outlierChannels, (std::vector<int64_t>{40, 17}));
    QVERIFY(s.excessKurtosis > 50);
  }
  void constantsZerosAndVectors() {
    const WeightStatistics zero = weightStatistics(withMatrix(tensor::Matrix::Zero(3, 5)), "w", {});
    QCOMPARE(zero.histogram[WeightStatistics::kBins / 2], 15u);
    QCOMPARE(zero.excessKurtosis, 0.0);
    QVERIFY(zero.outlierChannels.empty());
    QVERIFY(weightStatistics(withMatrix(tensor::Matrix::Constant(1, 5, 2.0f)), "w", {})
                .channelMagnitudes.empty());
  }
  /// In any order of the values, the histogram equals that of two passes, except for values within a fine bin
  /// of a boundary.
  void histogramIsThatOfTwoPasses() {
    std::mt19937 random(5);
    std::normal_distribution<float> normal(0.3f, 1.0f);
    tensor::Matrix values(300, 200);
    for (int64_t i = 0; i < values.size(); ++i)
      values.data()[i] = normal(random);
    values.row(0).setZero();
    values.row(1) *= 1e-30f; // the range has to grow
    values(299, 199) = -7.3f;
    for (const float factor : {1.0f, 3e37f, 1e-44f}) {
      const tensor::Matrix scaled = values * factor;
      const WeightStatistics s = weightStatistics(withMatrix(scaled), "w", {});
      constexpr int kBins = WeightStatistics::kBins;
      QCOMPARE(s.limit, scaled.cwiseAbs().maxCoeff());
      std::vector<double> most(kBins, 0), fewest(kBins, 0);
      const double limit = static_cast<double>(s.limit);
      for (int64_t i = 0; i < scaled.size(); ++i) {
        const double at = (static_cast<double>(scaled.data()[i]) / limit + 1) / 2 * kBins,
                     fine = 1.0 * kBins / 16384;
        const auto bin = [](double x) { return static_cast<size_t>(std::clamp(x, 0.0, kBins - 1.0)); };
        const size_t low = bin(at - fine), high = bin(at + fine);
        ++most[low];
        if (high != low)
          ++most[high];
        else
          ++fewest[low];
      }
      for (size_t i = 0; i < kBins; ++i) {
        const auto count = static_cast<double>(s.histogram[i]);
        QVERIFY2(count >= fewest[i] && count <= most[i],
                 qPrintable(QStringLiteral("bin %1: %2").arg(i).arg(count)));
      }
      const auto sum = [](const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); };
      QVERIFY(sum(most) - sum(fewest) < 0.05 * static_cast<double>(scaled.size()) ||
              factor < 1e-40f); // subnormals: many values are close to a bin boundary
      QCOMPARE(std::accumulate(s.histogram.begin(), s.histogram.end(), uint64_t{0}),
               static_cast<uint64_t>(scaled.size()));
    }
  }
  void readsTheDemoModel() {
    const auto checkpoint = checkpoint::openCheckpoint(test::projectFile("resources/demo/model"));
    const WeightStatistics s = weightStatistics(*checkpoint, "model.layers.0.mlp.up_proj.weight", {});
    QCOMPARE(s.count, 768u * 256u);
    QCOMPARE(s.channelMagnitudes.size(), 256u);
  }
  void refusesWhatIsNoWeight() {
    tensor::Matrix values = tensor::Matrix::Ones(2, 3);
    values(1, 2) = std::nanf("");
    const auto messageOf = [](const checkpoint::Checkpoint& checkpoint, const char* name) {
      try {
        weightStatistics(checkpoint, name, {});
      } catch (const base::Error& error) {
        return std::string(error.what());
      }
      return std::string("no error");
    };
    QCOMPARE(messageOf(withMatrix(values), "w"),
             std::string("tensor 'w': expected finite values, found nan at row 1, column 2"));
    QVERIFY(messageOf(withMatrix(values), "v").find("no tensor 'v'") != std::string::npos);
    std::stop_source stop;
    stop.request_stop();
    QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                             weightStatistics(withMatrix(tensor::Matrix::Ones(2, 3)), "w", stop.get_token()));
  }
};

NIB_TEST(WeightStatisticsTest)
#include "weight_statistics_test.moc"
