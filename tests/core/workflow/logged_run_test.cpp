// SPDX-License-Identifier: Apache-2.0
#include "nib_test.hpp"
#include "workflow/logged_run.hpp"
#include "workflow/services.hpp"

#include <csignal>

#include <QTemporaryDir>
#include <QTest>

#include <sys/resource.h>

using namespace nibblesmith;
using experiments::RunKind;
using workflow::LoggedRun;
namespace fs = std::filesystem;

class LoggedRunTest : public QObject {
  Q_OBJECT

private slots:
  /// A full disk makes the work fail, and then the log, too.
  void aLogThatFailsTooDoesNotHideTheReason() {
    const QTemporaryDir folder;
    workflow::Services services;
    services.log = fs::path(folder.path().toStdString()) / "log.db";
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit unlimited{};
    QCOMPARE(::getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    const auto work = [&](LoggedRun& run) {
      const rlimit full{512, unlimited.rlim_max};
      ::setrlimit(RLIMIT_FSIZE, &full);
      try {
        run.metric("tokensPerSecond", 1, "1/s");
        throw base::Error(base::ErrorCode::Numerical, "the log was written");
      } catch (const base::Error& failure) {
        QVERIFY2(failure.code() == base::ErrorCode::Io, failure.what());
      }
      throw base::Error(base::ErrorCode::Io, "the real reason");
    };
    std::string what;
    try {
      workflow::withLoggedRun(services, {RunKind::Benchmark, {}, base::Json::object()}, {}, work);
    } catch (const base::Error& failure) {
      what = failure.what();
    }
    ::setrlimit(RLIMIT_FSIZE, &unlimited);
    QCOMPARE(what, std::string("the real reason"));
  }

  /// The run is ended in the log, whatever is thrown.
  void everyEndIsLogged() {
    const QTemporaryDir folder;
    workflow::Services services;
    services.log = fs::path(folder.path().toStdString()) / "log.db";
    const auto run = [&](const std::function<void()>& work) {
      try {
        workflow::withLoggedRun(services, {RunKind::Evaluate, "pi", {{"asked", 1}}}, {},
                                [&](LoggedRun&) { work(); });
      } catch (...) {
      }
    };
    run([] {});
    run([] { throw base::Error(base::ErrorCode::Io, "no such file"); });
    run([] { throw base::Cancelled(); });
    run([] { throw std::bad_alloc(); });
    run([] { throw 7; });
    const auto runs = experiments::ExperimentLog(services.log).runs();
    QCOMPARE(runs.size(), size_t{5});
    using experiments::RunStatus;
    const RunStatus expected[] = {RunStatus::Finished, RunStatus::Failed, RunStatus::Cancelled,
                                  RunStatus::Failed, RunStatus::Failed};
    for (size_t i = 0; i < runs.size(); ++i) {
      QCOMPARE(runs[i].status, expected[i]);
      QVERIFY(!runs[i].finishedAt.empty());
      QCOMPARE(runs[i].error.empty(), expected[i] != RunStatus::Failed);
      QCOMPARE(runs[i].device, std::string("pi"));
      QCOMPARE(runs[i].context["asked"].get<int>(), 1);
    }
  }
};

NIB_TEST(LoggedRunTest)
#include "logged_run_test.moc"
