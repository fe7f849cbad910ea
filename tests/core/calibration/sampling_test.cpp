// SPDX-License-Identifier: Apache-2.0
#include "calibration/sampling.hpp"
#include "nib_test.hpp"

#include <QTest>

#include <algorithm>
#include <cmath>

using nibblesmith::calibration::sampleWithoutReplacement;

class SamplingTest : public QObject {
  Q_OBJECT
private slots:
  void sameEverywhere();
  void withoutReplacement();
  void unbiased();
};

void SamplingTest::sameEverywhere() {
  // Reference values of std::mt19937_64, whose output the C++ standard prescribes: its first value is
  // 2469588189546311528 for seed 1 and 14514284786278117030 for seed 5489 ([rand.predef] gives the 10000th).
  const auto sample = sampleWithoutReplacement(10, 3, 1);
  QCOMPARE(sample.size(), size_t{3});
  QCOMPARE(sample[0], int64_t{2469588189546311528u % 10});
  QCOMPARE(sampleWithoutReplacement(1000, 1, 5489)[0], int64_t{14514284786278117030u % 1000});
  QCOMPARE(sampleWithoutReplacement(10, 3, 1), sample);
  QVERIFY(sampleWithoutReplacement(1000, 10, 2) != sampleWithoutReplacement(1000, 10, 3));
}

void SamplingTest::withoutReplacement() {
  auto all = sampleWithoutReplacement(100, 500, 4);
  QCOMPARE(all.size(), size_t{100});
  QVERIFY(!std::is_sorted(all.begin(), all.end()));
  std::sort(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i)
    QCOMPARE(all[i], static_cast<int64_t>(i));
  QVERIFY(sampleWithoutReplacement(0, 5, 1).empty());
  QVERIFY(sampleWithoutReplacement(5, 0, 1).empty());
}

void SamplingTest::unbiased() {
  // 2 of 7, 20000 times: each number is expected 20000 * 2/7 = 5714 times, with standard deviation 64.
  std::vector<int> counts(7);
  for (uint64_t seed = 0; seed < 20000; ++seed)
    for (const int64_t index : sampleWithoutReplacement(7, 2, seed))
      ++counts[static_cast<size_t>(index)];
  for (const int count : counts)
    QVERIFY2(std::abs(count - 5714) < 5 * 64, qPrintable(QString::number(count)));
}

NIB_TEST(SamplingTest)
#include "sampling_test.moc"
