// SPDX-License-Identifier: Apache-2.0
#include "test_sshd.hpp"

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <QDeadlineTimer>
#include <QThread>

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nibblesmith::test {

namespace {

namespace fs = std::filesystem;
constexpr const char* kSshd = "/usr/sbin/sshd";
constexpr const char* kSftpServer = "/usr/lib/openssh/sftp-server";

/// A file size limit simulates a full disk.
constexpr const char* kSftpScript = R"(#!/bin/sh
if [ -e "$HOME/.disk-is-full" ]; then trap '' XFSZ; ulimit -f 1; fi
exec /usr/lib/openssh/sftp-server
)";

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

uint16_t freePort() {
  const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(file, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  ::close(file);
  return ntohs(address.sin_port);
}

bool listens(uint16_t port) {
  const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool connected = ::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(file);
  return connected;
}

void runTool(const QString& program, const QStringList& arguments) {
  QProcess process;
  process.start(program, arguments);
  if (!process.waitForFinished(30'000) || process.exitCode() != 0)
    throw std::runtime_error(program.toStdString() + ": " + process.readAllStandardError().toStdString());
}

fs::path pathOf(const std::string& tool) {
  for (const char* directory : {"/usr/bin", "/bin"})
    if (fs::exists(fs::path(directory) / tool))
      return fs::path(directory) / tool;
  throw std::runtime_error("no " + tool);
}

} // namespace

void writeText(const fs::path& path, const std::string& text, bool executable) {
  std::ofstream(path, std::ios::binary) << text;
  ::chmod(path.c_str(), executable ? 0755 : 0644);
}

std::string readText(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

TestSshd::TestSshd(const std::string& shellScript, const std::string& sftpServer)
    : m_sftpServer(sftpServer), m_account(::getuid()), m_group(::getgid()) {
  if (!fs::exists(kSshd) || !fs::exists(kSftpServer)) {
    m_skipReason = "no sshd on this machine (packages openssh-server and openssh-sftp-server)";
    return;
  }
  if (m_account == 0) {
    const passwd* nobody = ::getpwnam("nobody");
    m_account = nobody ? nobody->pw_uid : 65534;
    m_group = nobody ? nobody->pw_gid : 65534;
  }
  ::chmod(root().c_str(), 0755);
  for (const fs::path& directory : {home(), tools(), clientHome(), clientHome() / ".ssh"})
    fs::create_directories(directory);
  for (const char* tool : {"cat", "chmod", "df", "dirname", "getconf", "head", "ln", "ls", "mkdir", "mv",
                           "readlink", "rm", "rmdir", "sh", "sha256sum", "sleep", "sync", "tr", "uname"})
    fs::create_symlink(pathOf(tool), tools() / tool);
  writeText(root() / "shell", shellScript.empty() ? "#!/bin/sh\nexec /bin/sh \"$@\"\n" : shellScript, true);
  writeText(root() / "sftp", kSftpScript, true);
  // sshd's own SFTP server does not run through the shell, whose greeting would disturb it.
  if (m_sftpServer.empty())
    m_sftpServer = shellScript.empty() ? (root() / "sftp").string() : "internal-sftp";
  qputenv("HOME", clientHome().string().c_str());
  qunsetenv("SSH_AUTH_SOCK");
  replaceHostKey();
  makeKey("client/id_test");
  authorize(userKey());
  giveToAccount(home());
  start();
}

TestSshd::~TestSshd() { stop(); }

devices::Device TestSshd::device() const {
  devices::Device device;
  device.name = "test board";
  device.host = "127.0.0.1";
  device.port = m_port;
  device.user = "nibtest";
  device.keyFile = userKey();
  return device;
}

std::unique_ptr<devices::SshSession> TestSshd::connect(const devices::SessionLimits& limits) const {
  return std::make_unique<devices::SshSession>(device(), knownHosts(), trust, std::stop_token(), limits);
}

void TestSshd::fillDisk(bool full) {
  if (full)
    writeText(home() / ".disk-is-full", "");
  else
    fs::remove(home() / ".disk-is-full");
}

void TestSshd::writeConfig() {
  std::ostringstream text;
  text << "Port " << m_port << "\nListenAddress 127.0.0.1\nHostKey " << hostKey().string()
       << "\nPidFile none\n"
       << "AuthorizedKeysFile " << (root() / "authorized_keys").string() << "\nUsePAM no\nStrictModes no\n"
       << "PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxAuthTries 10\nUseDNS no\nLogLevel "
          "VERBOSE\n"
       << "SetEnv PATH=" << tools().string() << "\nSubsystem sftp " << m_sftpServer << "\n";
  writeText(root() / "sshd_config", text.str());
}

bool TestSshd::launch() {
  writeConfig();
  QProcessEnvironment environment;
  environment.insert(QStringLiteral("LD_PRELOAD"), QStringLiteral(NIB_TEST_ACCOUNT));
  environment.insert(QStringLiteral("NIB_TEST_HOME"), QString::fromStdString(home().string()));
  environment.insert(QStringLiteral("NIB_TEST_SHELL"), QString::fromStdString((root() / "shell").string()));
  m_process.setProcessEnvironment(environment);
  m_process.setStandardErrorFile(QString::fromStdString((root() / "sshd.log").string()), QIODevice::Append);
  m_process.setChildProcessModifier([account = m_account, group = m_group] {
    // sshd ends with the test, also after a crash.
    const auto dieWithParent = [] { ::prctl(PR_SET_PDEATHSIG, SIGTERM); };
    if (::getuid() != 0)
      return dieWithParent();
    if (::setgroups(0, nullptr) != 0 || ::setgid(group) != 0 || ::setuid(account) != 0)
      ::_exit(111);
    dieWithParent();
  });
  m_process.start(QString::fromLatin1(kSshd),
                  {QStringLiteral("-D"), QStringLiteral("-e"), QStringLiteral("-f"),
                   QString::fromStdString((root() / "sshd_config").string())});
  const QDeadlineTimer deadline(10'000);
  while (!deadline.hasExpired() && !m_process.waitForFinished(20))
    if (listens(m_port))
      return true;
  stop();
  return false;
}

void TestSshd::start() {
  // A port that was free may be taken by now; once bound, it is kept.
  for (int attempt = 0; attempt < 5; ++attempt) {
    const bool first = m_port == 0;
    if (first)
      m_port = freePort();
    if (launch())
      return;
    if (first)
      m_port = 0;
    QThread::msleep(100);
  }
  m_skipReason = "sshd does not run unprivileged here: " + readText(root() / "sshd.log");
}

void TestSshd::stop() {
  if (m_process.state() == QProcess::NotRunning)
    return;
  m_process.terminate();
  if (!m_process.waitForFinished(5'000)) {
    m_process.kill();
    m_process.waitForFinished(5'000);
  }
  // A child forked for the last connection may hold the port until it is scheduled.
  const QDeadlineTimer deadline(10'000);
  while (listens(m_port) && !deadline.hasExpired())
    QThread::msleep(20);
}

void TestSshd::replaceHostKey() {
  fs::remove(hostKey());
  fs::remove(hostKey().string() + ".pub");
  makeKey("hostkey");
  giveToAccount(hostKey());
}

fs::path TestSshd::makeKey(const std::string& name, const std::string& passphrase) {
  const fs::path path = root() / name;
  runTool(QStringLiteral("ssh-keygen"),
          {QStringLiteral("-q"), QStringLiteral("-t"), QStringLiteral("ed25519"), QStringLiteral("-N"),
           QString::fromStdString(passphrase), QStringLiteral("-f"), QString::fromStdString(path.string())});
  return path;
}

void TestSshd::authorize(const fs::path& privateKey) {
  const fs::path file = root() / "authorized_keys";
  writeText(file,
            (fs::exists(file) ? readText(file) : std::string()) + readText(privateKey.string() + ".pub"));
}

void TestSshd::giveToAccount(const fs::path& path) {
  if (::getuid() != 0)
    return;
  if (::lchown(path.c_str(), m_account, m_group) != 0)
    throw std::runtime_error("chown " + path.string());
  if (fs::is_directory(fs::symlink_status(path)))
    for (const fs::directory_entry& entry : fs::directory_iterator(path))
      giveToAccount(entry.path());
}

} // namespace nibblesmith::test
