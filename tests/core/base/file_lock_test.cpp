// SPDX-License-Identifier: Apache-2.0
#include "base/file_lock.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "nib_test.hpp"
#include "processes.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <thread>

#include <sys/stat.h>

using namespace nibblesmith;
using base::FileLock;
namespace fs = std::filesystem;

class FileLockTest : public QObject {
  Q_OBJECT

  QTemporaryDir m_root;
  fs::path at(const char* name) const { return fs::path(m_root.path().toStdString()) / name; }

  static QByteArray refusal(const fs::path& path) {
    try {
      const FileLock lock(path, "second");
    } catch (const base::Error& error) {
      return error.what();
    }
    return {};
  }

private slots:
  void theSecondIsToldOfTheFirst() {
    {
      const FileLock first(at("own"), "quantizing SmolLM2");
      const QByteArray told = refusal(at("own"));
      QVERIFY2(told.contains("quantizing SmolLM2") && told.contains(QByteArray::number(::getpid())) &&
                   told.contains("UTC") && told.contains("on host '"),
               told.constData());
    }
    QCOMPARE(refusal(at("own")), QByteArray());
  }

  void aKilledHolderHoldsNothing() {
    test::Gate gate;
    const pid_t child = test::inChild([&] {
      const FileLock lock(at("killed"), "waiting for its end");
      gate.open();
      ::pause();
    });
    gate.wait();
    const QByteArray told = refusal(at("killed"));
    QVERIFY2(told.contains("process " + QByteArray::number(child)), told.constData());
    ::kill(child, SIGKILL);
    test::statusOf(child);
    QCOMPARE(refusal(at("killed")), QByteArray());
  }

  void patienceWaits() {
    auto first = std::make_unique<FileLock>(at("patient"), "first");
    std::jthread releaser([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      first.reset();
    });
    const FileLock second(at("patient"), "second", std::chrono::seconds(30));
  }

  /// Twelve processes increment one number; without the lock most increments are lost.
  void onlyOneAtATime() {
    constexpr int kProcesses = 12, kSteps = 10;
    base::writeFileAtomically(at("number"), "0");
    std::vector<pid_t> children;
    for (int process = 0; process < kProcesses; ++process)
      children.push_back(test::inChild([&] {
        for (int step = 0; step < kSteps; ++step) {
          const FileLock lock(at("number.lock"), "counting", std::chrono::minutes(1));
          const int number = std::stoi(base::readTextFile(at("number")));
          base::writeFileAtomically(at("number"), std::to_string(number + 1));
        }
      }));
    for (const pid_t child : children)
      QCOMPARE(test::statusOf(child), 0);
    QCOMPARE(base::readTextFile(at("number")), std::to_string(kProcesses * kSteps));
  }

  void removedLockFilesAreMadeAnew() {
    auto first = std::make_unique<FileLock>(at("removed"), "first");
    fs::remove(at("removed"));
    const FileLock second(at("removed"), "second");
    first.reset();
    QVERIFY(!refusal(at("removed")).isEmpty());
  }

  void otherFilesAreNotTouched() {
    base::writeFileAtomically(at("precious"), "years of work");
    QVERIFY2(refusal(at("precious")).contains("found another file"), refusal(at("precious")).constData());
    QCOMPARE(base::readTextFile(at("precious")), std::string("years of work"));
    fs::create_symlink(at("precious"), at("link"));
    QVERIFY(!refusal(at("link")).isEmpty());
    QCOMPARE(::mkfifo(at("pipe").c_str(), 0600), 0);
    QVERIFY2(refusal(at("pipe")).contains("named pipe"), refusal(at("pipe")).constData());
  }
};

NIB_TEST(FileLockTest)
#include "file_lock_test.moc"
