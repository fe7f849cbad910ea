// SPDX-License-Identifier: Apache-2.0
#include "workflow/process.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"
#include "processes.hpp"

#include <chrono>
#include <fstream>
#include <thread>

#include <QTemporaryDir>
#include <QTest>

using namespace nibblesmith;

class ProcessTest : public QObject {
  Q_OBJECT

private slots:
  void returnsOutputAndErrorLines() {
    std::vector<std::string> lines;
    const std::string output =
        workflow::runProcess({"sh", "-c", "echo out; echo one >&2; printf two >&2"},
                             [&](std::string_view line) { lines.emplace_back(line); }, {});
    QCOMPARE(output, std::string("out\n"));
    QCOMPARE(lines, (std::vector<std::string>{"one", "two"}));
  }

  void passesArgumentsWithoutAShell() {
    QCOMPARE(workflow::runProcess({"printf", "%s", "a b;$HOME"}, {}, {}), std::string("a b;$HOME"));
  }

  void carriesLargeOutput() {
    QCOMPARE(workflow::runProcess({"head", "-c", "3000000", "/dev/zero"}, {}, {}).size(), size_t{3000000});
  }

  void failureNamesProgramStatusAndLastWords() {
    try {
      workflow::runProcess({"sh", "-c", "echo 'no such model' >&2; exit 3"}, {}, {});
      QFAIL("expected an error");
    } catch (const base::Error& failure) {
      QVERIFY(failure.code() == base::ErrorCode::Io);
      QCOMPARE(std::string(failure.what()), std::string("'sh' ended with status 3: no such model"));
    }
  }

  void aCrashIsAnError() {
    QVERIFY_THROWS_EXCEPTION(base::Error, workflow::runProcess({"sh", "-c", "kill -SEGV $$"}, {}, {}));
  }

  void aMissingProgramIsAnError() {
    QVERIFY_THROWS_EXCEPTION(base::Error, workflow::runProcess({"/nowhere/program"}, {}, {}));
  }

  /// A killed program cannot end its children itself.
  void aKilledParentEndsTheProgram() {
    const QTemporaryDir directory;
    const std::string file = directory.filePath(QStringLiteral("pid")).toStdString();
    const pid_t parent = test::inChild([&] {
      workflow::runProcess({"sh", "-c", "trap '' TERM; echo $$ > \"$0\"; exec sleep 60", file}, {}, {});
    });
    int child = 0;
    QTRY_VERIFY_WITH_TIMEOUT(static_cast<bool>(std::ifstream(file) >> child), 20'000);
    const auto isRunning = [&] {
      std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
      std::string number, name, state;
      return static_cast<bool>(stat >> number >> name >> state) && state != "Z";
    };
    QVERIFY(isRunning());
    ::kill(parent, SIGKILL);
    QCOMPARE(test::statusOf(parent), 128 + SIGKILL);
    QTRY_VERIFY_WITH_TIMEOUT(!isRunning(), 10'000);
  }

  void aStopEndsTheProgram() {
    std::stop_source source;
    std::jthread later([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      source.request_stop();
    });
    const auto begin = std::chrono::steady_clock::now();
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, workflow::runProcess({"sh", "-c", "trap '' TERM; sleep 30"}, {},
                                                                   source.get_token()));
    QVERIFY(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  }
};

NIB_TEST(ProcessTest)
#include "process_test.moc"
