// SPDX-License-Identifier: Apache-2.0
#include "workflow/logged_run.hpp"

#include "nib_test.hpp"
#include "test_data.hpp"

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
  /// The disk fills up: the work fails, and so does the log.
  void aLogThatFailsTooDoesNotHideTheReason() {
    const fs::path gguf = test::sharedData("stories260K/stories260K.f32.gguf");
    NIB_REQUIRE_DATA(gguf);
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
      workflow::withLoggedRun(services, RunKind::Benchmark, gguf, {}, base::Json::object(), {}, work);
    } catch (const base::Error& failure) {
      what = failure.what();
    }
    ::setrlimit(RLIMIT_FSIZE, &unlimited);
    QCOMPARE(what, std::string("the real reason"));
  }
};

NIB_TEST(LoggedRunTest)
#include "logged_run_test.moc"
