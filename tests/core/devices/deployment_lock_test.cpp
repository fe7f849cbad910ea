// SPDX-License-Identifier: Apache-2.0
// Several programs and one board.
#include "base/process_identity.hpp"
#include "deployment_case.hpp"
#include "devices/deployment_lock.hpp"
#include "nib_test.hpp"
#include "processes.hpp"

#include <atomic>
#include <thread>

#include <QtTest>

using namespace nibblesmith;
using devices::DeploymentLock;
using devices::DeploymentResult;
using test::readText;
using test::writeText;
namespace fs = std::filesystem;

namespace {

devices::SessionLimits quickLimits() {
  devices::SessionLimits limits;
  limits.heartbeatInterval = std::chrono::milliseconds(500);
  limits.staleAfter = std::chrono::milliseconds(3000);
  return limits;
}

} // namespace

class DeploymentLockTest : public test::DeploymentCase {
  Q_OBJECT

  fs::path lockPath() const { return remote() / ".nibblesmith-lock"; }
  std::string bootId() const {
    QFile file(QStringLiteral("/proc/sys/kernel/random/boot_id"));
    return file.open(QIODevice::ReadOnly) ? file.readAll().trimmed().toStdString() : std::string();
  }
  int64_t upSeconds() const {
    QFile file(QStringLiteral("/proc/uptime"));
    return file.open(QIODevice::ReadOnly) ? static_cast<int64_t>(file.readAll().split(' ')[0].toDouble()) : 0;
  }
  /// Creates a lock like that of a program on another machine.
  void putLock(const std::string& boot, int64_t secondsAgo) const {
    fs::create_directories(lockPath());
    writeText(lockPath() / "id", "another\n");
    const base::Json holder = {{"holder", "process 4711 on host 'elsewhere'"},
                               {"host", "elsewhere"},
                               {"boot", "b"},
                               {"pid", 4711},
                               {"startTime", 1}};
    writeText(lockPath() / "holder", holder.dump() + "\n");
    if (!boot.empty())
      writeText(lockPath() / "beat",
                "another " + boot + " " + std::to_string(upSeconds() - secondsAgo) + "\n");
    m_sshd->giveToAccount(remote());
  }
  std::string lockError() const {
    base::NoProgress progress;
    try {
      const DeploymentLock lock(*m_session, "my models' place", "second", {}, progress);
    } catch (const base::Error& error) {
      return error.what();
    }
    return {};
  }
  static double secondsOf(const std::function<void()>& call) {
    QElapsedTimer timer;
    timer.start();
    call();
    return static_cast<double>(timer.elapsed()) / 1000;
  }

private slots:
  void init() {
    if (const std::string reason = startBoard(quickLimits()); !reason.empty())
      QSKIP(reason.c_str());
    fs::create_directories(remote());
    m_sshd->giveToAccount(remote());
  }
  void cleanup() { stopBoard(); }

  void theSecondIsToldOfTheFirst() {
    std::atomic<bool> held = false;
    std::jthread holder([&](const std::stop_token& end) {
      const auto session = m_sshd->connect(quickLimits());
      base::NoProgress progress;
      const DeploymentLock lock(*session, "my models' place", "deploying SmolLM2", {}, progress);
      while (!end.stop_requested()) {
        lock.run("", "beat", {});
        held = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
      }
    });
    QTRY_VERIFY(held);
    const std::string told = lockError();
    QVERIFY2(told.find("in use by process " + std::to_string(::getpid())) != std::string::npos &&
                 told.find("deploying SmolLM2") != std::string::npos &&
                 told.find("last sign of life") != std::string::npos,
             told.c_str());
    QVERIFY2(QByteArray::fromStdString(deployError(model(1))).contains("in use by"), "deploy() did not look");
    QVERIFY_THROWS_EXCEPTION(base::Error, devices::rollBack(*m_session, m_directory, {}));
    holder = {};
    QVERIFY(!fs::exists(lockPath()));
    deploy(model(1));
    QVERIFY(!fs::exists(lockPath()));
  }

  /// Concurrent deployments succeed or fail with "in use by", and at least one succeeds. Exactly the models
  /// of successful ones are the current or the previous version.
  void twoAtOnce() {
    const fs::path models[] = {model(1, 6'000'000), model(2, 6'000'000)};
    std::vector<pid_t> children;
    for (const fs::path& gguf : models)
      children.push_back(test::inChild([&] {
        const auto session = m_sshd->connect(quickLimits());
        base::NoProgress progress;
        try {
          devices::deploy(*session, m_directory, gguf, m_runner, {}, progress);
        } catch (const base::Error& error) {
          ::_exit(std::string_view(error.what()).find("in use by") != std::string_view::npos ? 2 : 3);
        }
      }));
    std::vector<int> ends;
    for (const pid_t child : children)
      ends.push_back(test::statusOf(child));
    QVERIFY(ends[0] == 0 || ends[1] == 0);
    std::set<std::string> there = {readText(remote() / "current/model.gguf")};
    if (fs::exists(remote() / "previous"))
      there.insert(readText(remote() / "previous/model.gguf"));
    for (int i = 0; i < 2; ++i) {
      QVERIFY2(ends[static_cast<size_t>(i)] == 0 || ends[static_cast<size_t>(i)] == 2,
               qPrintable(QString::number(ends[static_cast<size_t>(i)])));
      QCOMPARE(there.contains(readText(models[i])), ends[static_cast<size_t>(i)] == 0);
    }
  }

  void aLockWithoutSignsOfLifeIsTakenOver() {
    putLock(bootId(), 1000);
    QVERIFY(secondsOf([&] { QCOMPARE(lockError(), std::string()); }) < 2.5);
    putLock("another-boot", 0);
    QVERIFY(secondsOf([&] { QCOMPARE(lockError(), std::string()); }) < 2.5);
    // Only the heartbeat's age reveals a dead holder, here three seconds.
    putLock(bootId(), 0);
    const double seconds = secondsOf([&] { QCOMPARE(lockError(), std::string()); });
    QVERIFY2(seconds > 2.5, qPrintable(QString::number(seconds)));
    putLock({}, 0);
    QVERIFY(secondsOf([&] { QCOMPARE(lockError(), std::string()); }) > 2.5);
    QVERIFY(!fs::exists(lockPath()));
  }

  void waitingCanBeCancelled() {
    putLock(bootId(), 0);
    std::stop_source source;
    std::jthread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(700));
      source.request_stop();
    });
    base::NoProgress progress;
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, DeploymentLock(*m_session, "my models' place", "second",
                                                             source.get_token(), progress));
    QVERIFY(fs::exists(lockPath() / "id"));
  }

  void aLostLockIsNoticed() {
    base::NoProgress progress;
    {
      const DeploymentLock lock(*m_session, "my models' place", "first", {}, progress);
      lock.run("true", "try", {});
      putLock(bootId(), 0);
      try {
        lock.run("echo done > ../done", "go on", {});
        QFAIL("expected an error");
      } catch (const base::Error& error) {
        QVERIFY2(std::string_view(error.what()).find("took over the lock") != std::string_view::npos,
                 error.what());
      }
      QVERIFY(!fs::exists(m_sshd->home() / "done"));
    }
    QCOMPARE(readText(lockPath() / "id"), std::string("another\n")); // not ours to release
  }

  void longStepsGiveSignsOfLife() {
    base::NoProgress progress;
    const DeploymentLock lock(*m_session, "my models' place", "first", {}, progress);
    lock.run("", "beat", {});
    const std::string before = readText(lockPath() / "beat");
    lock.runLong("sleep 3", "sleep", 0, {});
    QVERIFY(readText(lockPath() / "beat") != before);
    // The heartbeat process ends with the step.
    const std::string after = readText(lockPath() / "beat");
    QTest::qWait(2500);
    QCOMPARE(readText(lockPath() / "beat"), after);
  }

  void foreignLocksStay() {
    fs::create_directories(m_sshd->home() / "outside");
    fs::create_directory_symlink(m_sshd->home() / "outside", lockPath());
    m_sshd->giveToAccount(m_sshd->home());
    std::string told = lockError();
    QVERIFY2(told.find("symbolic link") != std::string::npos, told.c_str());
    fs::remove(lockPath());
    writeText(lockPath(), "somebody's");
    told = lockError();
    QVERIFY2(told.find("cannot lock") != std::string::npos, told.c_str());
    QCOMPARE(readText(lockPath()), std::string("somebody's"));
    fs::remove(lockPath());
    putLock(bootId(), 1000);
    writeText(lockPath() / "photo.jpg", "a photo");
    fs::create_directory_symlink(m_sshd->home() / "outside", lockPath() / "current");
    m_sshd->giveToAccount(remote());
    const DeploymentResult result = deploy(model(1));
    QCOMPARE(result.kept.size(), size_t{1});
    QCOMPARE(readText(remote() / result.kept[0] / "photo.jpg"), std::string("a photo"));
    QVERIFY(fs::exists(m_sshd->home() / "outside"));
  }

  void hostileLocksAreShownBounded() {
    putLock(bootId(), 0);
    const base::Json holder = {{"holder", std::string(100'000, 'x') + "\x1b[2J"}};
    writeText(lockPath() / "holder", holder.dump() + "\n");
    m_sshd->giveToAccount(remote());
    std::atomic<bool> end = false;
    std::jthread beater([&] {
      for (int i = 0; !end; ++i) {
        writeText(lockPath() / "beat", "another " + bootId() + " " + std::to_string(upSeconds() + i) + "\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
    const std::string told = lockError();
    end = true;
    QVERIFY2(told.find("in use by xxxx") != std::string::npos && told.size() < 1000, told.c_str());
    QVERIFY(told.find('\x1b') == std::string::npos);
  }
};

NIB_TEST(DeploymentLockTest)
#include "deployment_lock_test.moc"
