// SPDX-License-Identifier: Apache-2.0
// Devices that keep silent, drip or never end: each is given up in words, within its limit and little memory.
#include "base/error.hpp"
#include "deployment_case.hpp"
#include "nib_test.hpp"

#include <fstream>
#include <thread>

#include <QtTest>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace nibblesmith;
using devices::SessionLimits;
using test::TestSshd;
using test::writeText;
namespace fs = std::filesystem;

namespace {

SessionLimits tightLimits() {
  SessionLimits limits;
  limits.connect = std::chrono::milliseconds(1500);
  limits.command = std::chrono::milliseconds(1500);
  limits.answer = std::chrono::milliseconds(1500);
  limits.stall = std::chrono::milliseconds(1500);
  limits.outputBytes = size_t{1} << 20;
  limits.errorBytes = size_t{4} << 20;
  return limits;
}

QByteArray errorOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const base::Error& error) {
    return error.what();
  }
  return {};
}

int64_t residentKilobytes() {
  std::ifstream status("/proc/self/statm");
  int64_t pages = 0;
  status >> pages >> pages;
  return pages * (::sysconf(_SC_PAGESIZE) / 1024);
}

/// Port that accepts connections and sends a text repeatedly.
class TalkingPort {
public:
  TalkingPort(std::string text, std::chrono::milliseconds pause)
      : m_file(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(m_file, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(m_file, 8);
    ::getsockname(m_file, reinterpret_cast<sockaddr*>(&address), &size);
    m_port = ntohs(address.sin_port);
    m_thread = std::jthread([this, text = std::move(text), pause](const std::stop_token& end) {
      while (!end.stop_requested()) {
        pollfd entry{m_file, POLLIN, 0};
        if (::poll(&entry, 1, 50) <= 0)
          continue;
        const int client = ::accept4(m_file, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        while (!end.stop_requested() &&
               (::send(client, text.data(), text.size(), MSG_NOSIGNAL) > 0 || errno == EAGAIN))
          std::this_thread::sleep_for(pause);
        ::close(client);
      }
    });
  }
  ~TalkingPort() {
    m_thread = {};
    ::close(m_file);
  }
  uint16_t port() const { return m_port; }

private:
  int m_file;
  uint16_t m_port = 0;
  std::jthread m_thread;
};

} // namespace

class HostileDeviceTest : public QObject {
  Q_OBJECT

  std::unique_ptr<TestSshd> m_sshd;

  std::string start(const std::string& shell = {}, const std::string& sftp = {}) {
    m_sshd = std::make_unique<TestSshd>(shell, sftp);
    return m_sshd->skipReason();
  }

private slots:
  void cleanup() { m_sshd.reset(); }

  void commands_data() {
    QTest::addColumn<QByteArray>("command");
    QTest::addColumn<QByteArray>("told");
    QTest::newRow("silent") << QByteArray("sleep 60") << QByteArray("did not end within 1.5 s");
    QTest::newRow("dripping") << QByteArray("while :; do printf x; sleep 0.2; done")
                              << QByteArray("did not end within 1.5 s");
    QTest::newRow("endless lines") << QByteArray(
                                          "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done")
                                   << QByteArray("given up");
    QTest::newRow("endless line") << QByteArray("cat /dev/zero") << QByteArray("sent more than 1.0");
    QTest::newRow("endless errors") << QByteArray("cat /dev/zero >&2") << QByteArray("sent more than 4.");
    QTest::newRow("both closed, still running")
        << QByteArray("exec >&- 2>&-; sleep 60") << QByteArray("did not end within 1.5 s");
  }
  void commands() {
    QFETCH(QByteArray, command);
    QFETCH(QByteArray, told);
    if (const std::string reason = start(); !reason.empty())
      QSKIP(reason.c_str());
    const auto session = m_sshd->connect(tightLimits());
    const int64_t before = residentKilobytes();
    QElapsedTimer timer;
    timer.start();
    const QByteArray what = errorOf([&] { session->run(command.toStdString(), {}); });
    QVERIFY2(what.contains(told) && what.contains("127.0.0.1:") && what.size() < 500, what.constData());
    QVERIFY2(timer.elapsed() < 10'000, "not given up in time");
    QVERIFY(residentKilobytes() - before < 64 * 1024);
    // The session is still usable.
    QCOMPARE(session->run("echo still here", {}).output, std::string("still here\n"));
  }

  void lateWordsAreKept() {
    if (const std::string reason = start(); !reason.empty())
      QSKIP(reason.c_str());
    SessionLimits limits = tightLimits();
    limits.command = std::chrono::seconds(30);
    const auto session = m_sshd->connect(limits);
    size_t handed = 0;
    const auto result = session->run(
        "i=0; while [ $i -lt 20000 ]; do echo line $i >&2; i=$((i+1)); done; echo last words >&2; exit 4", {},
        [&](std::string_view part) { handed += part.size(); });
    QCOMPARE(result.exitStatus, 4);
    QVERIFY(result.errors.size() <= 64 * 1024 && result.errors.ends_with("line 19999\nlast words\n"));
    QVERIFY(handed > 200'000);
  }

  /// The shell belongs to the device, and every step of a deployment uses it.
  void shells_data() {
    QTest::addColumn<QByteArray>("shell");
    QTest::newRow("silent") << QByteArray("#!/bin/sh\nexec sleep 60\n");
    QTest::newRow("dripping") << QByteArray("#!/bin/sh\nwhile :; do printf x; sleep 0.1; done\n");
    QTest::newRow("endless") << QByteArray("#!/bin/sh\nexec cat /dev/zero\n");
    QTest::newRow("endless errors") << QByteArray("#!/bin/sh\nexec cat /dev/zero >&2\n");
    QTest::newRow("talks and dies") << QByteArray("#!/bin/sh\necho no >&2\nexit 1\n");
    QTest::newRow("says yes to everything") << QByteArray("#!/bin/sh\necho yes\nexit 0\n");
  }
  void shells() {
    QFETCH(QByteArray, shell);
    if (const std::string reason = start(shell.toStdString()); !reason.empty())
      QSKIP(reason.c_str());
    const auto session = m_sshd->connect(tightLimits());
    QByteArray what = errorOf([&] { devices::probe(*session, "nibblesmith", {}); });
    QVERIFY2(!what.isEmpty() && what.size() < 1000, what.constData());
    writeText(m_sshd->root() / "model.gguf", "model");
    writeText(m_sshd->root() / "runner", test::kBoardRunner, true);
    base::NoProgress progress;
    QElapsedTimer timer;
    timer.start();
    what = errorOf([&] {
      devices::deploy(*session, "nibblesmith", m_sshd->root() / "model.gguf", m_sshd->root() / "runner", {},
                      progress);
    });
    QVERIFY2(!what.isEmpty() && what.size() < 1000, what.constData());
    QVERIFY(timer.elapsed() < 20'000);
  }

  void ports_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<int>("pauseMs");
    QTest::newRow("dripping greeting") << QByteArray("x") << 100;
    QTest::newRow("dripping lines") << QByteArray("x\r\n") << 100;
    QTest::newRow("endless greeting") << QByteArray(100'000, 'x') << 0;
    QTest::newRow("endless lines") << QByteArray("hello\r\n").repeated(10'000) << 0;
    QTest::newRow("greets, then drips") << QByteArray("SSH-2.0-x\r\n") << 100;
    QTest::newRow("greets, then floods") << "SSH-2.0-x\r\n" + QByteArray(100'000, '\xff') << 0;
  }
  void ports() {
    QFETCH(QByteArray, text);
    QFETCH(int, pauseMs);
    if (const std::string reason = start(); !reason.empty())
      QSKIP(reason.c_str());
    const TalkingPort port(text.toStdString(), std::chrono::milliseconds(pauseMs));
    devices::Device device = m_sshd->device();
    device.port = port.port();
    const int64_t before = residentKilobytes();
    QElapsedTimer timer;
    timer.start();
    const QByteArray what = errorOf([&] {
      const devices::SshSession session(device, m_sshd->knownHosts(), TestSshd::trust, {}, tightLimits());
    });
    QVERIFY2(what.contains("127.0.0.1:") && what.size() < 1000, what.constData());
    QVERIFY(timer.elapsed() < 10'000);
    QVERIFY(residentKilobytes() - before < 64 * 1024);
  }

  void silentUploads() {
    if (const std::string reason = start({}, "/bin/sleep 20"); !reason.empty())
      QSKIP(reason.c_str());
    writeText(m_sshd->root() / "local", std::string(3'000'000, 'x'));
    const auto session = m_sshd->connect(tightLimits());
    base::NoProgress progress;
    QElapsedTimer timer;
    timer.start();
    const QByteArray what =
        errorOf([&] { session->upload(m_sshd->root() / "local", "there", false, {}, progress); });
    QVERIFY2(what.contains("start SFTP") && what.contains("no answer"), what.constData());
    QVERIFY(timer.elapsed() < 10'000);
  }

  void drippingUploads() {
    if (const std::string reason = start(); !reason.empty())
      QSKIP(reason.c_str());
    writeText(m_sshd->root() / "local", std::string(3'000'000, 'x'));
    SessionLimits limits = tightLimits();
    // With this limit any upload is too slow, like a chunk every twenty seconds with the limits of a real
    // session.
    limits.uploadWindow = std::chrono::milliseconds(0);
    limits.uploadBytes = uint64_t{1} << 30;
    const auto session = m_sshd->connect(limits);
    base::NoProgress progress;
    const QByteArray what =
        errorOf([&] { session->upload(m_sshd->root() / "local", "there", false, {}, progress); });
    QVERIFY2(what.contains("'there' was given up") && what.contains("1.00 GiB"), what.constData());
  }

  void benchmarksThatNeverEndALine() {
    if (const std::string reason = start(); !reason.empty())
      QSKIP(reason.c_str());
    const auto session = m_sshd->connect(tightLimits());
    fs::create_directories(m_sshd->home() / "v");
    const auto run = [&](const std::string& runner) {
      writeText(m_sshd->home() / "v/nsmith-runner", "#!/bin/sh\n" + runner, true);
      devices::DeploymentResult deployed;
      deployed.version = "v";
      test::Recorder progress;
      const int64_t before = residentKilobytes();
      const QByteArray what = errorOf([&] {
        devices::runRemoteBenchmark(*session, deployed, {1, 1, 0, 1}, {}, progress);
      });
      for (const std::string& stage : progress.stages)
        if (stage.size() > 300)
          return QByteArray("a stage is not bounded");
      return residentKilobytes() - before < 64 * 1024 && what.size() < 1000 ? what : QByteArray("too much");
    };
    QByteArray what = run("exec cat /dev/zero >&2\n");
    QVERIFY2(what.contains("sent more than"), what.constData());
    what = run("printf 'progress 0.5 ' >&2; i=0; while [ $i -lt 1000 ]; do printf "
               "'a very long stage that does not end %s' $i >&2; i=$((i+1)); done; echo >&2; printf "
               "%0100000d 1 >&2; "
               "exit 3\n");
    QVERIFY2(what.contains("exit status 3"), what.constData());
    what = run("printf '{\"schema\": 1, \"context\": {\"cpu\": \"'; printf %0200000d 1; printf '\"}}'\n");
    QVERIFY2(what.contains("nsmith-runner on the device"), what.constData());
  }
};

NIB_TEST(HostileDeviceTest)
#include "hostile_device_test.moc"
