// SPDX-License-Identifier: Apache-2.0
#include "workflow/process.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <chrono>
#include <thread>

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
