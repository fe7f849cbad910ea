// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"
#include "nib_test.hpp"

#include <QSignalSpy>
#include <QTest>

#include <new>
#include <stdexcept>

namespace nibblesmith::ui {

using test::workUntilStopped;

namespace {

JobSpec spec(const QString& title, JobFunction function) {
  JobSpec made;
  made.title = title;
  made.function = std::move(function);
  return made;
}

std::any nothing(const std::stop_token&, base::Progress&) { return {}; }

} // namespace

class JobQueueTest : public QObject {
  Q_OBJECT

private slots:
  void finishesOnceWithItsResult();
  void runsOneAtATimeInOrder();
  void runsAtOnceBesideTheOthers();
  void cancelsAWaitingJob();
  void cancelsARunningJob();
  void tellsHowAJobFailed_data();
  void tellsHowAJobFailed();
  void cancelsWhatWaitsForAFailedJob();
  void retriesAFailedJob();
  void throttlesProgress();
  void neverLetsProgressFall();
  void clearsOnlyWhatEnded();
  void stopsARunningJobWhenDestroyed();
};

void JobQueueTest::finishesOnceWithItsResult() {
  JobQueue queue;
  QSignalSpy ended(&queue, &JobQueue::ended);
  const JobId id = queue.add(
      spec(QStringLiteral("one"), [](const std::stop_token&, base::Progress&) -> std::any { return 42; }));
  NIB_WAIT(ended.count() == 1);
  QTest::qWait(50);
  QCOMPARE(ended.count(), 1);
  QCOMPARE(queue.job(id)->state, JobState::Finished);
  QCOMPARE(queue.job(id)->fraction, 1.0);
  QCOMPARE(std::any_cast<int>(queue.job(id)->result), 42);
}

void JobQueueTest::runsOneAtATimeInOrder() {
  JobQueue queue;
  std::atomic<int> running = 0, most = 0;
  std::vector<int> order;
  for (int i = 0; i < 5; ++i)
    queue.add(spec(QString::number(i), [&, i](const std::stop_token&, base::Progress&) -> std::any {
      most = std::max(most.load(), ++running);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      order.push_back(i);
      --running;
      return {};
    }));
  NIB_WAIT(queue.waitingOrRunning() == 0);
  QCOMPARE(most.load(), 1);
  QCOMPARE(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

void JobQueueTest::runsAtOnceBesideTheOthers() {
  JobQueue queue;
  const JobId slow = queue.add(spec(QStringLiteral("slow"), [](const std::stop_token& stop, base::Progress&) {
    return workUntilStopped(stop);
  }));
  JobSpec quick = spec(QStringLiteral("quick"), nothing);
  quick.startImmediately = true;
  const JobId id = queue.add(std::move(quick));
  NIB_WAIT(queue.job(id)->state == JobState::Finished);
  QCOMPARE(queue.job(slow)->state, JobState::Running);
}

void JobQueueTest::cancelsAWaitingJob() {
  JobQueue queue;
  std::atomic<bool> wasCalled = false;
  const JobId first =
      queue.add(spec(QStringLiteral("first"),
                     [](const std::stop_token& stop, base::Progress&) { return workUntilStopped(stop); }));
  const JobId second =
      queue.add(spec(QStringLiteral("second"), [&](const std::stop_token&, base::Progress&) -> std::any {
        wasCalled = true;
        return {};
      }));
  QSignalSpy ended(&queue, &JobQueue::ended);
  queue.cancel(second);
  QCOMPARE(queue.job(second)->state, JobState::Cancelled);
  queue.cancel(first);
  NIB_WAIT(queue.job(first)->state == JobState::Cancelled);
  QCOMPARE(ended.count(), 2);
  QVERIFY(!wasCalled);
}

void JobQueueTest::cancelsARunningJob() {
  JobQueue queue;
  const JobId id = queue.add(spec(QStringLiteral("job"), [](const std::stop_token& stop, base::Progress&) {
    return workUntilStopped(stop);
  }));
  QCOMPARE(queue.job(id)->state, JobState::Running);
  QElapsedTimer timer;
  timer.start();
  queue.cancel(id);
  NIB_WAIT(queue.job(id)->state == JobState::Cancelled);
  qInfo("cancelled in %lld ms", timer.elapsed());
  QVERIFY(queue.job(id)->error.isEmpty());
}

void JobQueueTest::tellsHowAJobFailed_data() {
  QTest::addColumn<int>("kind");
  QTest::addColumn<QString>("message");
  QTest::newRow("base::Error") << 0 << QStringLiteral("config.json: expected 'hidden_size'");
  QTest::newRow("std::exception") << 1 << QStringLiteral("something else");
  QTest::newRow("out of memory") << 2 << QStringLiteral("not enough memory");
  QTest::newRow("anything") << 3 << QStringLiteral("unknown error");
}

void JobQueueTest::tellsHowAJobFailed() {
  QFETCH(int, kind);
  QFETCH(QString, message);
  JobQueue queue;
  const JobId id =
      queue.add(spec(QStringLiteral("job"), [kind](const std::stop_token&, base::Progress&) -> std::any {
        if (kind == 0)
          throw base::Error(base::ErrorCode::Corrupt, "config.json: expected 'hidden_size'");
        if (kind == 1)
          throw std::runtime_error("something else");
        if (kind == 2)
          throw std::bad_alloc();
        throw 7;
      }));
  NIB_WAIT(queue.job(id)->ended());
  QCOMPARE(queue.job(id)->state, JobState::Failed);
  QVERIFY2(queue.job(id)->error.contains(message), qPrintable(queue.job(id)->error));
}

void JobQueueTest::cancelsWhatWaitsForAFailedJob() {
  JobQueue queue;
  const JobId first =
      queue.add(spec(QStringLiteral("first"), [](const std::stop_token&, base::Progress&) -> std::any {
        throw std::runtime_error("no");
      }));
  JobSpec second = spec(QStringLiteral("second"), nothing);
  second.after = first;
  const JobId dependent = queue.add(std::move(second));
  const JobId free = queue.add(spec(QStringLiteral("free"), nothing));
  NIB_WAIT(queue.waitingOrRunning() == 0);
  QCOMPARE(queue.job(dependent)->state, JobState::Cancelled);
  QVERIFY(queue.job(dependent)->error.contains(QStringLiteral("first")));
  QCOMPARE(queue.job(free)->state, JobState::Finished);
}

void JobQueueTest::retriesAFailedJob() {
  JobQueue queue;
  int calls = 0;
  const JobId id =
      queue.add(spec(QStringLiteral("job"), [&calls](const std::stop_token&, base::Progress&) -> std::any {
        if (++calls == 1)
          throw std::runtime_error("the first time");
        return {};
      }));
  NIB_WAIT(queue.job(id)->ended());
  const JobId again = queue.retry(id);
  QVERIFY(again != 0 && again != id);
  NIB_WAIT(queue.job(again)->ended());
  QCOMPARE(queue.job(again)->state, JobState::Finished);
  QCOMPARE(queue.retry(again), JobId(0));
}

void JobQueueTest::throttlesProgress() {
  JobQueue queue;
  int heard = 0;
  connect(&queue, &JobQueue::changed, this, [&] { ++heard; });
  QElapsedTimer timer;
  timer.start();
  const JobId id = queue.add(
      spec(QStringLiteral("chatty"), [](const std::stop_token&, base::Progress& progress) -> std::any {
        for (int i = 0; i < 200000; ++i)
          progress.report(i / 200000.0, i % 2 ? "odd" : "even");
        return {};
      }));
  NIB_WAIT(queue.job(id)->ended());
  const double seconds = static_cast<double>(timer.elapsed()) / 1000.0;
  // Limit: progress, plus started, ended and two ticks per second.
  QVERIFY2(heard <= 30 * seconds + 4 + 2 * seconds, qPrintable(QString::number(heard)));
}

void JobQueueTest::neverLetsProgressFall() {
  JobQueue queue;
  std::vector<double> seen;
  connect(&queue, &JobQueue::changed, this, [&](quint64 id) { seen.push_back(queue.job(id)->fraction); });
  const JobId id =
      queue.add(spec(QStringLiteral("job"), [](const std::stop_token&, base::Progress& progress) -> std::any {
        for (const double fraction : {0.1, 0.6, 0.3, std::numeric_limits<double>::quiet_NaN(), 7.0}) {
          progress.report(fraction, "working");
          std::this_thread::sleep_for(std::chrono::milliseconds(45));
        }
        return {};
      }));
  NIB_WAIT(queue.job(id)->ended());
  QVERIFY(seen.size() >= 4);
  QVERIFY(std::is_sorted(seen.begin(), seen.end()));
  QVERIFY(std::find(seen.begin(), seen.end(), 0.6) != seen.end());
}

void JobQueueTest::clearsOnlyWhatEnded() {
  JobQueue queue;
  queue.add(spec(QStringLiteral("done"), nothing));
  NIB_WAIT(queue.waitingOrRunning() == 0);
  const JobId running =
      queue.add(spec(QStringLiteral("runs"),
                     [](const std::stop_token& stop, base::Progress&) { return workUntilStopped(stop); }));
  queue.clearEnded();
  QCOMPARE(queue.ids(), std::vector<JobId>{running});
}

void JobQueueTest::stopsARunningJobWhenDestroyed() {
  std::atomic<bool> wasStopped = false, wasStarted = false, secondCalled = false;
  {
    JobQueue queue;
    queue.add(
        spec(QStringLiteral("job"), [&](const std::stop_token& stop, base::Progress& progress) -> std::any {
          wasStarted = true;
          while (!stop.stop_requested())
            progress.report(0.5, "working");
          wasStopped = true;
          throw base::Cancelled();
        }));
    queue.add(spec(QStringLiteral("second"), [&](const std::stop_token&, base::Progress&) -> std::any {
      secondCalled = true;
      return {};
    }));
    NIB_WAIT(wasStarted);
  }
  QVERIFY(wasStopped);
  QCoreApplication::processEvents();
  QVERIFY(!secondCalled);
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::JobQueueTest)
#include "job_queue_test.moc"
