// SPDX-License-Identifier: Apache-2.0
// Several programs on one log, and programs that are killed.
#include "base/process_identity.hpp"
#include "experiments/experiment_log.hpp"
#include "nib_test.hpp"
#include "processes.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <csignal>

#include <unistd.h>

using namespace nibblesmith;
using namespace nibblesmith::experiments;

namespace {

RowId addArtifact(ExperimentLog& log) {
  const RowId model = log.addModel({"tiny", "/tiny", "m1", "llama", 1000, 2000});
  return log.addArtifact({"tiny", "/tiny", "m1", "hf", 2000, model, {}});
}

} // namespace

class ExperimentLogProcessesTest : public QObject {
  Q_OBJECT

  QTemporaryDir m_directory;
  std::filesystem::path path(const std::string& name) const {
    return std::filesystem::path(m_directory.path().toStdString()) / name;
  }

private slots:
  /// Four processes create the file, its tables and the same artifact at the same time.
  void severalProcessesWriteOneNewLog() {
    constexpr int kProcesses = 4, kRuns = 50;
    std::vector<pid_t> children;
    for (int process = 0; process < kProcesses; ++process)
      children.push_back(test::inChild([&] {
        ExperimentLog log(path("shared.db"));
        for (int i = 0; i < kRuns; ++i) {
          const RowId run =
              log.startRun(RunKind::Evaluate, addArtifact(log), "d" + std::to_string(process), nullptr);
          log.addMetric(run, "perplexity", i, "");
          log.addSamples(run, "nll", std::vector<double>{1.0, 2.0});
          log.finishRun(run, RunStatus::Finished);
        }
      }));
    for (const pid_t child : children)
      QCOMPARE(test::statusOf(child), 0);
    const ExperimentLog log(path("shared.db"));
    QCOMPARE(log.runs().size(), size_t{kProcesses * kRuns});
    const auto rows = log.experiments();
    QCOMPARE(rows.size(), size_t{kProcesses});
    for (const ExperimentRow& row : rows)
      QCOMPARE(row.metrics.at("perplexity"), kRuns - 1.0);
  }

  void aKilledProgramsRunIsShownAsInterrupted() {
    int ready[2];
    QCOMPARE(::pipe(ready), 0);
    const pid_t child = test::inChild([&] {
      ExperimentLog log(path("killed.db"));
      const RowId run = log.startRun(RunKind::Evaluate, addArtifact(log), "", nullptr);
      log.addSamples(run, "nll", std::vector<double>{1.5, 2.5});
      if (::write(ready[1], "x", 1) == 1)
        ::pause();
    });
    char byte = 0;
    QCOMPARE(::read(ready[0], &byte, 1), ssize_t{1});
    {
      // The process is alive: nothing is changed.
      const ExperimentLog log(path("killed.db"));
      QCOMPARE(log.runs().at(0).status, RunStatus::Running);
    }
    ::kill(child, SIGKILL);
    QCOMPARE(test::statusOf(child), 128 + SIGKILL);
    const ExperimentLog log(path("killed.db"));
    const auto runs = log.runs();
    QCOMPARE(runs.size(), size_t{1});
    QCOMPARE(runs[0].status, RunStatus::Failed);
    QVERIFY(runs[0].error.starts_with("interrupted"));
    QCOMPARE(log.samples(runs[0].id, "nll"), (std::vector<double>{1.5, 2.5}));
    ::close(ready[0]);
    ::close(ready[1]);
  }

  void aZombieHasEnded() {
    const pid_t child = test::inChild([] {});
    base::ProcessIdentity identity = base::thisProcess();
    identity.pid = child;
    QTRY_VERIFY(base::hasEnded(identity)); // ended, but not yet waited for
    QCOMPARE(test::statusOf(child), 0);
  }

  void whoRunsIsToldApart() {
    const base::ProcessIdentity self = base::thisProcess();
    QVERIFY(!base::hasEnded(self));
    base::ProcessIdentity reusedNumber = self;
    reusedNumber.startTime += 1;
    QVERIFY(base::hasEnded(reusedNumber));
    base::ProcessIdentity earlierBoot = self;
    earlierBoot.boot = "another";
    QVERIFY(base::hasEnded(earlierBoot));
    base::ProcessIdentity otherMachine = earlierBoot;
    otherMachine.host = "another";
    QVERIFY(!base::hasEnded(otherMachine));
  }

  void ourOwnRunsAreLeftAlone() {
    ExperimentLog log(path("own.db"));
    const RowId run = log.startRun(RunKind::Evaluate, addArtifact(log), "", nullptr);
    QCOMPARE(ExperimentLog(path("own.db")).runs().at(0).status, RunStatus::Running);
    log.finishRun(run, RunStatus::Finished);
  }
};

NIB_TEST(ExperimentLogProcessesTest)
#include "experiment_log_processes_test.moc"
