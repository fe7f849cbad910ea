// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "ui/session/latest_task.hpp"

#include <QSignalSpy>
#include <QTest>

namespace nibblesmith::ui {

class LatestTaskTest : public QObject {
  Q_OBJECT

private slots:
  void answers();
  void answersOnlyTheNewestQuestion();
  void reportsErrors();
  void dropsWhatWasCancelled();
  void startsOnlyTheLastOfManyAfterAMoment();
  void waitsForItsWorkerWhenDestroyed();
};

void LatestTaskTest::answers() {
  LatestTask task;
  int answer = 0;
  connect(&task, &LatestTask::done, this, [&](const std::any& value) { answer = std::any_cast<int>(value); });
  task.start([](const std::stop_token&) -> std::any { return 7; });
  QVERIFY(task.isRunning());
  NIB_WAIT(answer == 7);
  QVERIFY(!task.isRunning());
}

void LatestTaskTest::answersOnlyTheNewestQuestion() {
  LatestTask task;
  std::vector<int> answers;
  std::atomic<int> calls = 0;
  connect(&task, &LatestTask::done, this,
          [&](const std::any& value) { answers.push_back(std::any_cast<int>(value)); });
  for (int i = 0; i < 20; ++i)
    task.start([i, &calls](const std::stop_token&) -> std::any {
      ++calls;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return i;
    });
  NIB_WAIT(!task.isRunning());
  QCOMPARE(answers, std::vector<int>{19});
  QCOMPARE(calls.load(), 2);
}

void LatestTaskTest::reportsErrors() {
  LatestTask task;
  QSignalSpy failed(&task, &LatestTask::failed);
  task.start([](const std::stop_token&) -> std::any {
    throw base::Error(base::ErrorCode::NotFound, "no such file");
  });
  NIB_WAIT(failed.count() == 1);
  QCOMPARE(failed.at(0).at(0).toString(), QStringLiteral("no such file"));
}

void LatestTaskTest::dropsWhatWasCancelled() {
  LatestTask task;
  int heard = 0;
  connect(&task, &LatestTask::done, this, [&] { ++heard; });
  connect(&task, &LatestTask::failed, this, [&] { ++heard; });
  task.start([](const std::stop_token&) -> std::any { return 1; });
  task.cancel();
  QVERIFY(!task.isRunning());
  QTest::qWait(60);
  QCOMPARE(heard, 0);
}

void LatestTaskTest::startsOnlyTheLastOfManyAfterAMoment() {
  LatestTask task;
  std::vector<int> answers;
  std::atomic<int> calls = 0;
  connect(&task, &LatestTask::done, this,
          [&](const std::any& value) { answers.push_back(std::any_cast<int>(value)); });
  const auto question = [&calls](int i) {
    return [i, &calls](const std::stop_token&) -> std::any {
      ++calls;
      return i;
    };
  };
  // A running call whose result is no longer wanted.
  task.start(question(-1));
  for (int i = 0; i < 5; ++i)
    task.startAfter(30, question(i));
  QVERIFY(task.isRunning());
  NIB_WAIT(!task.isRunning());
  QCOMPARE(answers, std::vector<int>{4});
  QCOMPARE(calls.load(), 2);
  task.startAfter(30, question(5));
  task.cancel();
  QVERIFY(!task.isRunning());
  QTest::qWait(60);
  QCOMPARE(calls.load(), 2);
}

void LatestTaskTest::waitsForItsWorkerWhenDestroyed() {
  std::atomic<bool> isDone = false;
  {
    LatestTask task;
    task.start([&](const std::stop_token&) -> std::any {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      isDone = true;
      return {};
    });
  }
  QVERIFY(isDone);
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::LatestTaskTest)
#include "latest_task_test.moc"
