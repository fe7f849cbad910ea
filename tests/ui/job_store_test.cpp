// SPDX-License-Identifier: GPL-3.0-or-later
#include "fakes.hpp"

#include "nib_test.hpp"
#include "ui/session/text.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/deploy.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/quantize.hpp"
#include "workflow/sensitivity.hpp"
#include "workflow/services.hpp"

#include <fstream>

#include <QFile>
#include <QProcess>
#include <QSignalSpy>
#include <QTest>

#include <fstream>

namespace nibblesmith::ui {

/// Queue across program starts: two sessions with one log.
class JobStoreTest : public QObject {
  Q_OBJECT

private slots:
  void init();
  void offersWhatWasNotFinished();
  void leavesNothingBehindFinishedJobs();
  void resumesEveryKindWithItsRequest();
  void resumesIntoTheLogItWasStartedIn();
  void keepsTheOrderOfDependentJobs();
  void keepsWhichArtifactAFollowUpIsAbout();
  void writesIntoTheLogThatWasOpen();
  void forgetsCancelledAndFailedJobs();
  void offersAgainWhatWasPutOff();
  void keepsWindowsApart();
  void survivesAKilledProgram();
  void saysWhatIsWrongWithAFile_data();
  void saysWhatIsWrongWithAFile();
  void failsAJobThatCannotBeUnderstood();
  void failsADeploymentToAForgottenDevice();

private:
  /// Starts a session on the same folder; if isStuck, its quantizations run until they are stopped.
  std::unique_ptr<Session> start(bool isStuck);
  std::filesystem::path folder() const { return m_fake->session->paths().log.string() + ".jobs"; }
  std::vector<std::filesystem::path> files() const;
  void write(const char* text) const;

  std::unique_ptr<test::FakeSession> m_fake;
  std::atomic<bool> m_isWorking = false;
  bool m_isBenchmarkStuck = false; ///< for the sessions started next
  std::filesystem::path m_log;     ///< log of the last benchmark
};

void JobStoreTest::init() {
  m_fake = std::make_unique<test::FakeSession>();
  m_fake->start();
  m_isWorking = false;
  m_isBenchmarkStuck = false;
}

std::unique_ptr<Session> JobStoreTest::start(bool isStuck) {
  WorkflowCalls calls = m_fake->calls();
  calls.benchmark = [this, stuck = m_isBenchmarkStuck, call = calls.benchmark](
                        const workflow::BenchmarkRequest& request, const workflow::Services& services,
                        const std::stop_token& stop, base::Progress& progress) {
    m_log = services.log;
    if (stuck) {
      m_isWorking = true;
      test::workUntilStopped(stop);
    }
    return call(request, services, stop, progress);
  };
  if (isStuck)
    calls.quantize = [this](const workflow::QuantizeRequest&, const workflow::Services&,
                            const std::stop_token& stop, base::Progress&) -> workflow::QuantizeResult {
      m_isWorking = true;
      test::workUntilStopped(stop);
      return {};
    };
  return std::make_unique<Session>(m_fake->session->paths(), calls, m_fake->methods, m_fake->settings);
}

std::vector<std::filesystem::path> JobStoreTest::files() const {
  std::vector<std::filesystem::path> files;
  std::error_code isAbsent;
  for (const auto& entry : std::filesystem::directory_iterator(folder(), isAbsent))
    files.push_back(entry.path());
  return files;
}

void JobStoreTest::write(const char* text) const {
  std::filesystem::create_directories(folder());
  QFile file(toQString(folder() / "left.json"));
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.write(text);
}

void JobStoreTest::offersWhatWasNotFinished() {
  workflow::QuantizeRequest request;
  request.model = "/models/demo";
  request.out = "/artifacts/one";
  request.recipe.name = "mine";
  FollowUps then;
  then.benchmark = true;
  {
    const auto first = start(true);
    first->quantize(request, then);
    NIB_WAIT(m_isWorking);
  }
  QCOMPARE(m_fake->benchmarked.size(), static_cast<size_t>(0));
  const auto second = start(false);
  QVERIFY(second->jobs().unfinished().empty());
  second->jobs().findUnfinished();
  QCOMPARE(second->jobs().unfinished().size(), size_t(2));
  QCOMPARE(second->jobs().unfinished()[0].title, QStringLiteral("Quantize demo, mine"));
  second->resumeUnfinished();
  QVERIFY(second->jobs().unfinished().empty());
  QCOMPARE(second->queue().ids().size(), size_t(2));
  NIB_WAIT(second->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->quantized.size(), size_t(1));
  QCOMPARE(m_fake->quantized[0].out, request.out);
  QVERIFY(m_fake->quantized[0].recipe == request.recipe);
  QCOMPARE(m_fake->benchmarked.size(), static_cast<size_t>(1));
}

void JobStoreTest::leavesNothingBehindFinishedJobs() {
  {
    const auto session = start(false);
    session->quantize({"/models/demo", {}, {}, "/artifacts/one"}, {});
    NIB_WAIT(session->queue().waitingOrRunning() == 0);
  }
  QVERIFY(!std::filesystem::exists(folder()));
}

void JobStoreTest::resumesEveryKindWithItsRequest() {
  workflow::EvaluateRequest evaluation;
  evaluation.artifact = "/artifacts/one";
  evaluation.text = "/texts/a.txt";
  evaluation.pairs = {"/pairs/a.jsonl", "/pairs/b.jsonl"};
  evaluation.context = 77;
  workflow::SensitivityRequest sensitivity;
  sensitivity.model = "/models/demo";
  sensitivity.options.bits = {3, 5};
  {
    const auto first = start(true);
    first->quantize({"/models/demo", {}, {}, "/artifacts/one"}, {});
    first->evaluate(evaluation, QStringLiteral("one"));
    first->measureSensitivity(sensitivity);
    first->benchmark({"/artifacts/one", {}}, QStringLiteral("one"));
    NIB_WAIT(m_isWorking);
  }
  const auto second = start(false);
  second->jobs().findUnfinished();
  second->resumeUnfinished();
  NIB_WAIT(second->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->evaluated.size(), size_t(1));
  QCOMPARE(m_fake->evaluated[0].pairs, evaluation.pairs);
  QCOMPARE(m_fake->evaluated[0].context, int64_t(77));
  QCOMPARE(m_fake->measured.size(), size_t(1));
  QCOMPARE(m_fake->measured[0].options.bits, (std::vector{3, 5}));
  QCOMPARE(m_fake->benchmarked.size(), static_cast<size_t>(1));
}

void JobStoreTest::resumesIntoTheLogItWasStartedIn() {
  const std::filesystem::path own = m_fake->session->paths().log, other = own.parent_path() / "other.db";
  std::ofstream(other) << "x";
  {
    const auto first = start(true);
    QSignalSpy changed(first.get(), &Session::logChanged);
    first->openLog(other);
    NIB_WAIT(changed.count() == 1);
    first->quantize({"/models/demo", {}, {}, "/artifacts/one"}, {});
    NIB_WAIT(m_isWorking);
  }
  const auto second = start(false);
  QCOMPARE(second->paths().log, own);
  second->jobs().findUnfinished();
  second->resumeUnfinished();
  NIB_WAIT(second->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->loggedInto, std::vector<std::filesystem::path>{other});
}

void JobStoreTest::keepsTheOrderOfDependentJobs() {
  {
    const auto first = start(true);
    FollowUps then;
    then.evaluate = workflow::EvaluateRequest();
    first->quantize({"/models/demo", {}, {}, "/artifacts/one"}, then);
    NIB_WAIT(m_isWorking);
  }
  m_isWorking = false;
  const auto second = start(true); // stuck again: jobs that wait for it must not start
  second->jobs().findUnfinished();
  second->resumeUnfinished();
  NIB_WAIT(m_isWorking);
  const std::vector<JobId> ids = second->queue().ids();
  QCOMPARE(ids.size(), size_t(2));
  second->queue().cancel(ids[0]);
  NIB_WAIT(second->queue().waitingOrRunning() == 0);
  QCOMPARE(second->queue().job(ids[1])->state, JobState::Cancelled);
  QCOMPARE(m_fake->evaluated.size(), size_t(0));
}

void JobStoreTest::keepsWhichArtifactAFollowUpIsAbout() {
  m_isBenchmarkStuck = true;
  std::string sha256;
  {
    const auto first = start(false);
    FollowUps then;
    then.benchmark = true;
    const JobId quantized = first->quantize({"/models/demo", {}, {}, "/artifacts/one"}, then);
    NIB_WAIT(m_isWorking);
    sha256 = std::any_cast<workflow::QuantizeResult>(first->queue().job(quantized)->result).sha256;
  }
  QVERIFY(!sha256.empty());
  m_isBenchmarkStuck = false;
  // The folder may contain another artifact by now: the benchmark must use the one that was made.
  const auto second = start(false);
  second->jobs().findUnfinished();
  QCOMPARE(second->jobs().unfinished().size(), size_t(1));
  second->resumeUnfinished();
  NIB_WAIT(second->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->benchmarked.size(), size_t(1));
  QCOMPARE(m_fake->benchmarked[0].expectedHash, sha256);
}

void JobStoreTest::writesIntoTheLogThatWasOpen() {
  m_isBenchmarkStuck = true;
  const std::filesystem::path other = m_fake->session->paths().log.parent_path() / "other.db";
  std::ofstream(other) << "x";
  {
    const auto first = start(false);
    QSignalSpy changed(first.get(), &Session::logChanged);
    first->openLog(other);
    NIB_WAIT(changed.count() == 1);
    first->benchmark({"/artifacts/one", {}, {}}, QStringLiteral("one"));
    NIB_WAIT(m_isWorking);
  }
  m_isBenchmarkStuck = false;
  m_log.clear();
  const auto second = start(false); // with the user's own log again
  second->jobs().findUnfinished();
  second->resumeUnfinished();
  NIB_WAIT(second->queue().waitingOrRunning() == 0);
  QCOMPARE(m_log, other);
}

void JobStoreTest::forgetsCancelledAndFailedJobs() {
  {
    const auto first = start(true);
    const JobId running = first->quantize({"/models/demo", {}, {}, "/artifacts/one"}, {});
    const JobId waiting = first->benchmark({"/artifacts/one", {}}, QStringLiteral("one"));
    NIB_WAIT(m_isWorking);
    first->queue().cancel(waiting);
    first->queue().cancel(running);
    NIB_WAIT(first->queue().waitingOrRunning() == 0);
  }
  QVERIFY(!std::filesystem::exists(folder()));
}

void JobStoreTest::offersAgainWhatWasPutOff() {
  {
    const auto first = start(true);
    first->quantize({"/models/demo", {}, {}, "/artifacts/one"}, {});
    NIB_WAIT(m_isWorking);
  }
  {
    const auto second = start(false);
    second->jobs().findUnfinished();
    QCOMPARE(second->jobs().unfinished().size(), size_t(1));
  }
  {
    const auto third = start(false);
    third->jobs().findUnfinished();
    QCOMPARE(third->jobs().unfinished().size(), size_t(1));
    third->jobs().forgetUnfinished();
  }
  QVERIFY(files().empty());
}

void JobStoreTest::keepsWindowsApart() {
  const auto first = start(true);
  first->quantize({"/models/demo", {}, {}, "/artifacts/one"}, {});
  NIB_WAIT(m_isWorking);
  NIB_WAIT(files().size() == 2); // the jobs file and its lock file
  const auto second = start(false);
  second->jobs().findUnfinished();
  QVERIFY(second->jobs().unfinished().empty()); // the first window still runs them
}

void JobStoreTest::survivesAKilledProgram() {
  // Simulates a killed program: its jobs, and a lock file of a process that no longer exists.
  QProcess gone;
  gone.start(QStringLiteral("true"), QStringList());
  QVERIFY(gone.waitForStarted());
  const qint64 pid = gone.processId();
  QVERIFY(gone.waitForFinished());
  write(R"({"schema": 1, "jobs": [{"id": 4, "after": 3, "title": "Benchmark one", "kind": "benchmark",
      "request": {"log": "/logs/log.db", "artifact": "/artifacts/one", "expectedHash": "",
      "options": {"promptTokens": 1, "generatedTokens": 2,
      "warmupRuns": 0, "repetitions": 1}}}]})");
  QFile lock(toQString(folder() / "left.json.lock"));
  QVERIFY(lock.open(QIODevice::WriteOnly));
  lock.write(QByteArray::number(pid) + "\nnibblesmith\n" + QSysInfo::machineHostName().toUtf8() + "\n");
  lock.close();
  const auto session = start(false);
  session->jobs().findUnfinished();
  QCOMPARE(session->jobs().unfinished().size(), size_t(1));
  session->resumeUnfinished();
  NIB_WAIT(session->queue().waitingOrRunning() == 0);
  QCOMPARE(m_fake->benchmarked.size(), static_cast<size_t>(1));
}

void JobStoreTest::saysWhatIsWrongWithAFile_data() {
  QTest::addColumn<QByteArray>("text");
  QTest::newRow("no JSON") << QByteArray("{ no JSON");
  QTest::newRow("another schema") << QByteArray(R"({"schema": 2, "jobs": []})");
  QTest::newRow("no jobs") << QByteArray(R"({"schema": 1})");
  QTest::newRow("unknown kind") << QByteArray(
      R"({"schema": 1, "jobs": [{"id": 1, "title": "x", "kind": "format the disk", "request": {}}]})");
}

void JobStoreTest::saysWhatIsWrongWithAFile() {
  QFETCH(QByteArray, text);
  write(text.constData());
  const auto session = start(false);
  QSignalSpy failed(&session->jobs(), &JobStore::failed);
  session->jobs().findUnfinished();
  QVERIFY(session->jobs().unfinished().empty());
  QCOMPARE(failed.count(), 1);
  QVERIFY2(failed.at(0).at(0).toString().contains(QStringLiteral("left.json")),
           qPrintable(failed.at(0).at(0).toString()));
}

void JobStoreTest::failsAJobThatCannotBeUnderstood() {
  write(
      R"({"schema": 1, "jobs": [{"id": 1, "title": "Benchmark one", "kind": "benchmark", "request": {"log": ""}}]})");
  const auto session = start(false);
  session->jobs().findUnfinished();
  session->resumeUnfinished();
  NIB_WAIT(session->queue().waitingOrRunning() == 0);
  const Job& job = *session->queue().job(session->queue().ids().front());
  QCOMPARE(job.state, JobState::Failed);
  QVERIFY2(job.error.contains(QStringLiteral("artifact")), qPrintable(job.error));
  QCOMPARE(m_fake->benchmarked.size(), static_cast<size_t>(0));
}

void JobStoreTest::failsADeploymentToAForgottenDevice() {
  workflow::DeployRequest request;
  request.artifact = "/artifacts/one";
  request.access.device.name = "board";
  request.access.device.host = "192.0.2.7";
  {
    const auto first = start(true);
    first->quantize({"/models/demo", {}, {}, "/artifacts/one"}, {});
    first->deploy(request, QStringLiteral("one"));
    NIB_WAIT(m_isWorking);
  }
  // The file must not contain the connection settings of a device.
  for (const std::filesystem::path& file : files()) {
    QFile kept(toQString(file));
    QVERIFY(kept.open(QIODevice::ReadOnly));
    QVERIFY(!kept.readAll().contains("192.0.2.7"));
  }
  const auto second = start(false);
  second->jobs().findUnfinished();
  second->resumeUnfinished();
  NIB_WAIT(second->queue().waitingOrRunning() == 0);
  const Job& job = *second->queue().job(second->queue().ids().back());
  QCOMPARE(job.state, JobState::Failed);
  QVERIFY2(job.error.contains(QStringLiteral("'board'")), qPrintable(job.error));
}

} // namespace nibblesmith::ui

NIB_TEST(nibblesmith::ui::JobStoreTest)
#include "job_store_test.moc"
