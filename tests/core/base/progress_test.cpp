// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/progress.hpp"
#include "base/units.hpp"
#include "nib_test.hpp"

#include <QtTest>

using namespace nibblesmith::base;

namespace {

struct Recorder final : Progress {
  double fraction = -1;
  std::string stage;
  void report(double value, std::string_view text) override {
    fraction = value;
    stage = text;
  }
};

} // namespace

class ProgressTest : public QObject {
  Q_OBJECT

private slots:
  void partsOfAWhole() {
    Recorder recorder;
    SubProgress half(recorder, 0.5, 1.0, "second");
    half.report(0.5, "work");
    QCOMPARE(recorder.fraction, 0.75);
    QCOMPARE(recorder.stage, std::string("second: work"));
    SubProgress quarter(half, 0.0, 0.5);
    quarter.report(1.0, "");
    QCOMPARE(recorder.fraction, 0.75);
    QCOMPARE(recorder.stage, std::string("second"));
    half.report(7.0, "x");
    QCOMPARE(recorder.fraction, 1.0);
    half.report(-1.0, "x");
    QCOMPARE(recorder.fraction, 0.5);
  }

  void noEstimateFromNothing() {
    TimeEstimate estimate;
    QVERIFY(!estimate.remainingSeconds(0.0));
    QVERIFY(!estimate.remainingSeconds(0.5)); // too early for an estimate
    QTest::qWait(550);
    const auto remaining = estimate.remainingSeconds(0.5);
    QVERIFY(remaining && *remaining > 0.5);
    QCOMPARE(estimate.remainingSeconds(1.0), std::optional(0.0));
  }

  void bytesInWords() {
    QCOMPARE(formatBytes(0), std::string("0 B"));
    QCOMPARE(formatBytes(999), std::string("999 B"));
    QCOMPARE(formatBytes(1536), std::string("1.50 KiB"));
    QCOMPARE(formatBytes(uint64_t{114} << 17), std::string("14.2 MiB"));
    QCOMPARE(formatBytes(uint64_t{300} << 30), std::string("300 GiB"));
  }

  void durationsInWords() {
    QCOMPARE(formatNumber(0.12346), std::string("0.1235"));
    QCOMPARE(formatNumber(3057.2), std::string("3057"));
    QCOMPARE(formatDuration(0.44), std::string("0.4 s"));
    QCOMPARE(formatDuration(12.2), std::string("12 s"));
    QCOMPARE(formatDuration(185), std::string("3 min 05 s"));
    QCOMPARE(formatDuration(7800), std::string("2 h 10 min"));
  }

  void stopping() {
    std::stop_source source;
    throwIfStopped(source.get_token());
    throwIfStopped({});
    source.request_stop();
    QVERIFY_EXCEPTION_THROWN(throwIfStopped(source.get_token()), Cancelled);
  }
};

NIB_TEST(ProgressTest)
#include "progress_test.moc"
