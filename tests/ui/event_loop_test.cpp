// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "ui/main_window.hpp"
#include "ui/widgets/theme.hpp"

#include <QTest>

#include <algorithm>

namespace nibblesmith::ui {

/// Delay of the window's event loop while a job uses every processor. The delay depends on the machine and is
/// only reported; the test asserts that the loop keeps running and receives progress.
class EventLoopTest : public QObject {
  Q_OBJECT

private slots:
  void delayWhileAJobRuns();
};

namespace {

/// Job function that keeps every processor busy and reports progress all the time.
std::any burn(const std::stop_token& stop, base::Progress& progress) {
  std::atomic<double> sink = 0;
  std::vector<std::jthread> threads;
  for (unsigned i = 1; i < std::max(2u, std::thread::hardware_concurrency()); ++i)
    threads.emplace_back([&](const std::stop_token& own) {
      while (!own.stop_requested() && !stop.stop_requested())
        sink = sink * 0.5 + 1;
    });
  for (int64_t step = 0; !stop.stop_requested(); ++step) {
    sink = sink * 0.5 + 1;
    progress.report(static_cast<double>(step % 1000000) / 1e6, "block");
  }
  throw base::Cancelled();
}

} // namespace

void EventLoopTest::delayWhileAJobRuns() {
  test::FakeSession fake;
  Theme theme(*qobject_cast<QApplication*>(QCoreApplication::instance()));
  MainWindow window(fake.start(), theme, {});
  fake.rows = test::fakeRows();
  fake.session->experiments().refresh();
  window.showPage(Page::Queue);
  window.show();
  JobSpec spec;
  spec.title = QStringLiteral("busy");
  spec.function = burn;
  const JobId id = fake.session->queue().add(std::move(spec));

  constexpr int kIntervalMs = 5;
  constexpr size_t kBeats = 400;
  constexpr int kPatienceMs = 60000;
  std::vector<double> lateMs;
  QElapsedTimer sinceLast;
  QTimer beat;
  beat.setTimerType(Qt::PreciseTimer);
  beat.setInterval(kIntervalMs);
  connect(&beat, &QTimer::timeout, this, [&] {
    lateMs.push_back(std::max(0.0, static_cast<double>(sinceLast.nsecsElapsed()) / 1e6 - kIntervalMs));
    sinceLast.restart();
  });
  NIB_WAIT(fake.session->queue().job(id)->stage == QStringLiteral("block"));
  int heard = 0;
  connect(&fake.session->queue(), &JobQueue::changed, this, [&] { ++heard; });
  sinceLast.start();
  beat.start();
  QTRY_VERIFY_WITH_TIMEOUT(lateMs.size() >= kBeats, kPatienceMs);
  beat.stop();
  QCOMPARE(fake.session->queue().job(id)->state, JobState::Running);
  QVERIFY(heard > 0);
  fake.session->queue().cancel(id);
  NIB_WAIT(fake.session->queue().job(id)->ended());

  std::sort(lateMs.begin(), lateMs.end());
  const auto percentile = [&](double part) {
    return lateMs[static_cast<size_t>(part * static_cast<double>(lateMs.size() - 1))];
  };
  qInfo(
      "event loop late by: median %.2f ms, p99 %.2f ms, largest %.2f ms (%zu beats; wanted: p99 under 16 ms)",
      percentile(0.5), percentile(0.99), lateMs.back(), lateMs.size());
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::EventLoopTest)
#include "event_loop_test.moc"
