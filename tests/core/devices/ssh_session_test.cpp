// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "nib_test.hpp"
#include "test_sshd.hpp"

#include <chrono>
#include <thread>

#include <QtTest>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace nibblesmith;
using devices::Device;
using devices::HostKey;
using devices::SshSession;
using test::readText;
using test::TestSshd;
using test::writeText;

namespace {

/// Returns the message of the base::Error that the call throws; empty if there is none.
template <typename F>
QByteArray errorOf(F&& call) {
  try {
    call();
  } catch (const base::Error& error) {
    return error.what();
  }
  return {};
}

bool neverAsked(const HostKey&) {
  QTest::qFail("the host key was asked for", __FILE__, __LINE__);
  return false;
}

/// Requests a stop from another thread after a delay.
class StopAfter {
public:
  explicit StopAfter(std::chrono::milliseconds delay)
      : m_thread([this, delay] {
          std::this_thread::sleep_for(delay);
          m_requested = std::chrono::steady_clock::now();
          m_source.request_stop();
        }) {}
  std::stop_token token() const { return m_source.get_token(); }
  /// Returns the seconds since the request.
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_requested.load()).count();
  }

private:
  std::stop_source m_source;
  std::atomic<std::chrono::steady_clock::time_point> m_requested{};
  std::jthread m_thread;
};

/// Port that accepts connections and never sends anything.
class SilentPort {
public:
  SilentPort() : m_file(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(m_file, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(m_file, 8);
    ::getsockname(m_file, reinterpret_cast<sockaddr*>(&address), &size);
    m_port = ntohs(address.sin_port);
  }
  ~SilentPort() { ::close(m_file); }
  uint16_t port() const { return m_port; }

private:
  int m_file;
  uint16_t m_port = 0;
};

} // namespace

class SshSessionTest : public QObject {
  Q_OBJECT

private:
  std::unique_ptr<TestSshd> m_sshd;

  void connectWith(const Device& device) const {
    const SshSession session(device, m_sshd->knownHosts(), TestSshd::trust, {});
  }

private slots:
  void init() {
    m_sshd = std::make_unique<TestSshd>();
    if (!m_sshd->skipReason().empty())
      QSKIP(m_sshd->skipReason().c_str());
  }
  void cleanup() { m_sshd.reset(); }

  void unknownKeyIsAskedForOnce() {
    int asked = 0;
    HostKey seen;
    const auto confirm = [&](const HostKey& key) {
      ++asked;
      seen = key;
      return true;
    };
    { const SshSession session(m_sshd->device(), m_sshd->knownHosts(), confirm, {}); }
    QCOMPARE(asked, 1);
    QCOMPARE(seen.host, std::string("127.0.0.1"));
    QCOMPARE(seen.port, m_sshd->device().port);
    QCOMPARE(seen.type, std::string("ssh-ed25519"));
    QProcess keygen;
    keygen.start(QStringLiteral("ssh-keygen"),
                 {QStringLiteral("-lf"), QString::fromStdString(m_sshd->hostKey().string() + ".pub")});
    QVERIFY(keygen.waitForFinished());
    const QByteArray printed = keygen.readAllStandardOutput();
    QVERIFY2(printed.contains(seen.fingerprint.c_str()), printed.constData());
    const SshSession again(m_sshd->device(), m_sshd->knownHosts(), neverAsked, {});
    QVERIFY(!std::filesystem::exists(m_sshd->clientHome() / ".ssh/known_hosts"));
  }

  void unconfirmedKeyIsRefused() {
    const auto refuse = [](const HostKey&) { return false; };
    QByteArray what =
        errorOf([&] { const SshSession session(m_sshd->device(), m_sshd->knownHosts(), refuse, {}); });
    QVERIFY2(what.contains("not confirmed") && what.contains("SHA256:"), what.constData());
    what = errorOf([&] { const SshSession session(m_sshd->device(), m_sshd->knownHosts(), {}, {}); });
    QVERIFY2(what.contains("not confirmed"), what.constData());
    QVERIFY(!std::filesystem::exists(m_sshd->knownHosts()));
  }

  void changedHostKeyIsRefused() {
    m_sshd->connect();
    const std::string before = readText(m_sshd->knownHosts());
    m_sshd->stop();
    m_sshd->replaceHostKey();
    m_sshd->start();
    QCOMPARE(m_sshd->skipReason(), std::string());
    const QByteArray what =
        errorOf([&] { const SshSession session(m_sshd->device(), m_sshd->knownHosts(), neverAsked, {}); });
    QVERIFY2(what.contains("changed"), what.constData());
    QCOMPARE(what.count("SHA256:"), 2);
    QVERIFY2(what.contains((m_sshd->knownHosts().string() + "' line 1").c_str()), what.constData());
    QCOMPARE(readText(m_sshd->knownHosts()), before);
    // The suggested command works.
    const qsizetype command = what.indexOf("ssh-keygen -R");
    QVERIFY2(command > 0, what.constData());
    const QString quietly = QString::fromUtf8(what.mid(command) + " >/dev/null 2>&1");
    QCOMPARE(QProcess::execute(QStringLiteral("sh"), {QStringLiteral("-c"), quietly}), 0);
    m_sshd->connect();
  }

  void usersKnownHostsAreReadAndNeverWritten() {
    m_sshd->connect();
    const std::filesystem::path users = m_sshd->clientHome() / ".ssh/known_hosts";
    std::filesystem::rename(m_sshd->knownHosts(), users);
    const std::string before = "# mine\n" + readText(users);
    writeText(users, before);
    { const SshSession session(m_sshd->device(), m_sshd->knownHosts(), neverAsked, {}); }
    QCOMPARE(readText(users), before);
    QVERIFY(!std::filesystem::exists(m_sshd->knownHosts()));
    writeText(users, "@revoked " + readText(users).substr(7));
    const QByteArray what =
        errorOf([&] { const SshSession session(m_sshd->device(), m_sshd->knownHosts(), neverAsked, {}); });
    QVERIFY2(what.contains("revoked"), what.constData());
  }

  void brokenKnownHostsLinesArePassedOver() {
    writeText(m_sshd->knownHosts(), "[127.0.0.1]:" + std::to_string(m_sshd->device().port) +
                                        " ssh-ed25519 AAAA\n|1|x|y ssh-rsa\n" + std::string(200'000, 'x') +
                                        "\n@revoked\n\n*");
    m_sshd->connect();
    const SshSession again(m_sshd->device(), m_sshd->knownHosts(), neverAsked, {});
  }

  void wrongKeysAreTold() {
    Device device = m_sshd->device();
    device.keyFile = m_sshd->makeKey("stranger");
    QByteArray what = errorOf([&] { connectWith(device); });
    QVERIFY2(what.contains("login as 'nibtest'") && what.contains("stranger") && what.contains("publickey"),
             what.constData());
    device.keyFile = m_sshd->root() / "absent";
    what = errorOf([&] { connectWith(device); });
    QVERIFY2(what.contains("absent") && what.contains("cannot open"), what.constData());
    device.keyFile = m_sshd->root() / "sshd_config";
    what = errorOf([&] { connectWith(device); });
    QVERIFY2(what.contains("not a private key"), what.constData());
    device = m_sshd->device();
    device.user = "someone-else";
    what = errorOf([&] { connectWith(device); });
    QVERIFY2(what.contains("login as 'someone-else'"), what.constData());
  }

  void protectedKeyGoesThroughTheAgent() {
    Device device = m_sshd->device();
    device.keyFile = m_sshd->makeKey("protected", "secret");
    m_sshd->authorize(device.keyFile);
    const QByteArray what = errorOf([&] { connectWith(device); });
    QVERIFY2(what.contains("passphrase") && what.contains("ssh-add"), what.constData());

    const std::string socket = (m_sshd->root() / "agent").string();
    QProcess agent;
    agent.start(QStringLiteral("ssh-agent"),
                {QStringLiteral("-D"), QStringLiteral("-a"), QString::fromStdString(socket)});
    QVERIFY(agent.waitForStarted());
    QTRY_VERIFY(std::filesystem::exists(socket));
    qputenv("SSH_AUTH_SOCK", socket.c_str());
    writeText(m_sshd->root() / "askpass", "#!/bin/sh\necho secret\n", true);
    QProcess add;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("SSH_ASKPASS"),
                       QString::fromStdString((m_sshd->root() / "askpass").string()));
    environment.insert(QStringLiteral("SSH_ASKPASS_REQUIRE"), QStringLiteral("force"));
    add.setProcessEnvironment(environment);
    add.start(QStringLiteral("ssh-add"), {QString::fromStdString(device.keyFile.string())});
    QVERIFY(add.waitForFinished());
    QCOMPARE(add.exitCode(), 0);
    QCOMPARE(errorOf([&] { connectWith(device); }), QByteArray());
    // Without a key file in the settings, the agent is tried first.
    device.keyFile.clear();
    QCOMPARE(errorOf([&] { connectWith(device); }), QByteArray());
    agent.terminate();
    QVERIFY(agent.waitForFinished());
    qunsetenv("SSH_AUTH_SOCK");
  }

  void defaultKeyAndConfigAlias() {
    Device device = m_sshd->device();
    device.keyFile.clear();
    const QByteArray what = errorOf([&] { connectWith(device); });
    QVERIFY2(what.contains("default keys"), what.constData());
    const std::filesystem::path ssh = m_sshd->clientHome() / ".ssh";
    std::filesystem::copy_file(m_sshd->userKey(), ssh / "id_ed25519");
    QCOMPARE(errorOf([&] { connectWith(device); }), QByteArray());
    std::filesystem::rename(ssh / "id_ed25519", ssh / "special");

    writeText(ssh / "config", "Host board\n  HostName 127.0.0.1\n  Port " + std::to_string(device.port) +
                                  "\n  User nibtest\n  IdentityFile " + (ssh / "special").string() +
                                  "\n  StrictHostKeyChecking no\n");
    Device alias;
    alias.name = "alias";
    alias.host = "board";
    QCOMPARE(errorOf([&] { connectWith(alias); }), QByteArray());
    // "StrictHostKeyChecking no" in the configuration must not accept an unknown key.
    std::filesystem::remove(m_sshd->knownHosts());
    const QByteArray refused =
        errorOf([&] { const SshSession session(alias, m_sshd->knownHosts(), {}, {}); });
    QVERIFY2(refused.contains("not confirmed"), refused.constData());
  }

  void unreachableHostsAreToldApart() {
    Device device = m_sshd->device();
    m_sshd->stop();
    QByteArray what = errorOf([&] { connectWith(device); });
    QVERIFY2(what.contains("refused") && what.contains("127.0.0.1:"), what.constData());
    device.host = "no-such-host.invalid";
    what = errorOf([&] { connectWith(device); });
    QVERIFY2(what.contains("no-such-host.invalid") && what.contains("resolved"), what.constData());
    device.host = "bad;host";
    what = errorOf([&] { connectWith(device); });
    QVERIFY2(what.contains("bad;host"), what.constData());
  }

  void silentHostCanBeCancelled() {
    const SilentPort silent;
    Device device = m_sshd->device();
    device.port = silent.port();
    const StopAfter stop(std::chrono::milliseconds(200));
    QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                             SshSession(device, m_sshd->knownHosts(), TestSshd::trust, stop.token()));
    QVERIFY2(stop.seconds() < 0.5, "the cancel took too long");
  }

  void runGivesOutputErrorsAndStatus() {
    const auto session = m_sshd->connect();
    const auto result = session->run("echo out; echo err >&2; exit 3", {});
    QCOMPARE(result.exitStatus, 3);
    QCOMPARE(result.output, std::string("out\n"));
    QCOMPARE(result.errors, std::string("err\n"));
    QCOMPARE(session->run("kill -9 $$", {}).exitStatus, 137);
    QCOMPARE(session->run("true", {}).exitStatus, 0);
    const auto home = session->run("pwd -P", {});
    QCOMPARE(home.output, std::filesystem::canonical(m_sshd->home()).string() + "\n");
  }

  void runTakesLargeOutputs() {
    const auto session = m_sshd->connect();
    const auto result =
        session->run("i=0; while [ $i -lt 60000 ]; do echo 0123456789012345678901234567890123456789; "
                     "i=$((i+1)); done; exit 7",
                     {});
    QCOMPARE(result.exitStatus, 7);
    QCOMPARE(result.output.size(), size_t{60000} * 41);
  }

  void errorsArriveAsTheyCome() {
    const auto session = m_sshd->connect();
    std::string seen;
    std::vector<double> times;
    const auto begin = std::chrono::steady_clock::now();
    const auto result = session->run("echo one >&2; sleep 1; echo two >&2", {}, [&](std::string_view part) {
      seen += part;
      times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    });
    QCOMPARE(seen, std::string("one\ntwo\n"));
    QCOMPARE(result.errors, seen);
    QCOMPARE(times.size(), size_t{2});
    QVERIFY(times[1] - times[0] > 0.5);
  }

  void runningCommandCanBeCancelled() {
    const auto session = m_sshd->connect();
    const StopAfter stop(std::chrono::milliseconds(300));
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, session->run("echo $$ > pid; exec sleep 60", stop.token()));
    QVERIFY2(stop.seconds() < 0.5, "the cancel took too long");
    // The session is still usable, and the command on the device has ended.
    QCOMPARE(session->run("echo still here", {}).output, std::string("still here\n"));
    QTRY_VERIFY(session->run("kill -0 $(cat pid) 2>/dev/null", {}).exitStatus != 0);
  }

  void lostConnectionIsAnError() {
    const auto session = m_sshd->connect();
    const QByteArray what = errorOf([&] { session->run("kill -9 $PPID; sleep 5", {}); });
    QVERIFY2(what.contains("127.0.0.1:"), what.constData());
    QVERIFY(!errorOf([&] { session->run("true", {}); }).isEmpty());
  }

  void quotedTextReachesTheShellUnchanged() {
    const auto session = m_sshd->connect();
    const std::string text = "it's $HOME `x` \"q\" \\ \n*; rm -rf ~ ü";
    QCOMPARE(session->run("printf %s " + devices::shellQuote(text), {}).output, text);
    QVERIFY(session->run("printf %s \"" + text + "\"", {}).output != text);
  }
};

NIB_TEST(SshSessionTest)
#include "ssh_session_test.moc"
