// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/ssh_session.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include <QProcess>
#include <QTemporaryDir>

namespace nibblesmith::test {

/// Device for tests: the system's sshd on a free loopback port, as an unprivileged account with its own home,
/// host key and user key in a temporary directory, and a PATH with only the tools of a small board. Sets HOME
/// to an empty client home and hides the SSH agent. The destructor stops only its own process.
class TestSshd {
public:
  /// Starts the device. shellScript: login shell of the account. sftpServer: SFTP program; sshd's own if
  /// empty.
  explicit TestSshd(const std::string& shellScript = {}, const std::string& sftpServer = {});
  ~TestSshd();

  /// Returns the reason why no device could be started; empty if it runs.
  const std::string& skipReason() const { return m_skipReason; }
  devices::Device device() const;
  std::filesystem::path home() const { return root() / "home"; }         ///< account's home on the device
  std::filesystem::path tools() const { return root() / "bin"; }         ///< account's PATH
  std::filesystem::path clientHome() const { return root() / "client"; } ///< $HOME of the client
  std::filesystem::path knownHosts() const { return root() / "client/known_hosts"; }
  std::filesystem::path userKey() const { return root() / "client/id_test"; }
  std::filesystem::path hostKey() const { return root() / "hostkey"; }
  std::filesystem::path root() const { return m_directory.path().toStdString(); }

  void stop();
  /// Starts sshd again on the same port.
  void start();
  /// Generates another host key, as after a new installation. A restart must follow.
  void replaceHostKey();
  /// Creates another key pair in root(), which is not authorized.
  std::filesystem::path makeKey(const std::string& name, const std::string& passphrase = {});
  void authorize(const std::filesystem::path& privateKey);
  /// Makes the account the owner of everything below the path.
  void giveToAccount(const std::filesystem::path& path);
  /// Accepts any host key.
  static bool trust(const devices::HostKey&) { return true; }
  std::unique_ptr<devices::SshSession> connect(const devices::SessionLimits& limits = {}) const;
  /// Makes SFTP writes fail like on a full disk, or work again. Only for the default shell.
  void fillDisk(bool full);

private:
  void writeConfig();
  bool launch();

  QTemporaryDir m_directory;
  QProcess m_process;
  std::string m_sftpServer;
  std::string m_skipReason;
  uint16_t m_port = 0;
  unsigned m_account = 0;
  unsigned m_group = 0;
};

void writeText(const std::filesystem::path& path, const std::string& text, bool executable = false);
std::string readText(const std::filesystem::path& path);

} // namespace nibblesmith::test
