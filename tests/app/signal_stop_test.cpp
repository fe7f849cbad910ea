// SPDX-License-Identifier: Apache-2.0
#include "common/signal_stop.hpp"
#include "nib_test.hpp"

#include <QtTest>

#include <csignal>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using nibblesmith::SignalStop;

namespace {

bool isStopped(const SignalStop& stop) {
  for (int i = 0; i < 500 && !stop.token().stop_requested(); ++i)
    QTest::qSleep(10);
  return stop.token().stop_requested();
}

/// Runs the call in a child process and returns its exit status, or minus the number of the signal that ended
/// it.
int endOf(const std::function<int()>& call) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::_exit(call());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

class SignalStopTest : public QObject {
  Q_OBJECT

private slots:
  void firstOneIsAStop_data() {
    QTest::addColumn<int>("signal");
    QTest::newRow("SIGINT") << SIGINT;
    QTest::newRow("SIGTERM") << SIGTERM;
    QTest::newRow("SIGHUP") << SIGHUP;
  }
  void firstOneIsAStop() {
    QFETCH(int, signal);
    for (int i = 0; i < 2; ++i) { // a second object starts from a clean state
      const SignalStop stop;
      QVERIFY(!stop.token().stop_requested());
      std::raise(signal);
      QVERIFY(isStopped(stop));
    }
  }

  // The call ignores the token; the second signal must still end the program.
  void secondOneEndsTheProgram() {
    QCOMPARE(endOf([] {
               const SignalStop stop;
               std::raise(SIGINT);
               std::raise(SIGINT);
               return 0;
             }),
             -SIGINT);
    QCOMPARE(endOf([] {
               const SignalStop stop;
               std::raise(SIGINT);
               std::raise(SIGTERM);
               return 0;
             }),
             -SIGTERM);
  }

  void ignoredSignalsStayIgnored() {
    QCOMPARE(endOf([] {
               std::signal(SIGHUP, SIG_IGN);
               const SignalStop stop;
               std::raise(SIGHUP);
               std::raise(SIGHUP);
               return stop.token().stop_requested() ? 1 : 7;
             }),
             7);
  }

  void afterwardsSignalsEndTheProgram() {
    QCOMPARE(endOf([] {
               { const SignalStop stop; }
               std::raise(SIGTERM);
               return 0;
             }),
             -SIGTERM);
  }
};

NIB_TEST(SignalStopTest)
#include "signal_stop_test.moc"
