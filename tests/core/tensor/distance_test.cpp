// SPDX-License-Identifier: Apache-2.0
#include "tensor/distance.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <QtTest>

#include <cmath>
#include <vector>

using namespace nibblesmith;
using tensor::distance;

class DistanceTest : public QObject {
  Q_OBJECT

private slots:
  void byHand() {
    const std::vector<float> expected = {3, -4, 0, 5};
    const std::vector<float> actual = {3, -3, 1, 5};
    const tensor::Distance d = distance(expected, actual);
    QCOMPARE(d.meanSquaredError, 0.5);
    QCOMPARE(d.maxAbsoluteError, 1.0);
    QCOMPARE(d.signalToNoiseDb, 10 * std::log10(25.0));
    QCOMPARE(d.cosine, 46.0 / std::sqrt(50.0 * 44.0));
  }

  void equalAndOpposite() {
    const std::vector<float> x = {1, 2, 3};
    const std::vector<float> opposite = {-1, -2, -3};
    QVERIFY(std::isinf(distance(x, x).signalToNoiseDb));
    QCOMPARE(distance(x, x).meanSquaredError, 0.0);
    QCOMPARE(distance(x, x).cosine, 1.0);
    QCOMPARE(distance(x, opposite).cosine, -1.0);
    QCOMPARE(distance({}, {}).meanSquaredError, 0.0);
  }

  // A wrong scale changes the signal-to-noise ratio but not the cosine.
  void scaleShowsInNoiseAlone() {
    const std::vector<float> x = {1, 2, 3};
    const std::vector<float> twice = {2, 4, 6};
    QVERIFY(std::abs(distance(x, twice).cosine - 1.0) < 1e-12);
    QVERIFY(std::abs(distance(x, twice).signalToNoiseDb) < 1e-9);
  }

  void differentSizes() {
    const std::vector<float> two = {1, 2};
    const std::vector<float> three = {1, 2, 3};
    QVERIFY_EXCEPTION_THROWN(distance(two, three), base::Error);
  }
};

NIB_TEST(DistanceTest)
#include "distance_test.moc"
