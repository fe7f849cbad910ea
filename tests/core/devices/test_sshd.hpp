// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/ssh_session.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include <QProcess>
#include <QTemporaryDir>

namespace nibblesmith::test {

/// A device for the tests: the system's sshd on a free loopback port, run as an unprivileged account with a
/// home, host key and user key of its own in a temporary directory, and a PATH that holds only what a small
/// board has. Sets HOME to an empty client home and hides the agent. Ended by its process alone.
class TestSshd {
public:
  /// shellScript: what the account logs into. sftpServer: the program behind SFTP; sshd's own where it is
  /// empty.
  explicit TestSshd(const std::string& shellScript = {}, const std::string& sftpServer = {});
  ~TestSshd();

  /// Why there is none ("" when it runs).
  const std::string& skipReason() const { return m_skipReason; }
  devices::Device device() const;
  std::filesystem::path home() const { return root() / "home"; }         ///< of the account on the device
  std::filesystem::path tools() const { return root() / "bin"; }         ///< its PATH
  std::filesystem::path clientHome() const { return root() / "client"; } ///< $HOME on this side
  std::filesystem::path knownHosts() const { return root() / "client/known_hosts"; }
  std::filesystem::path userKey() const { return root() / "client/id_test"; }
  std::filesystem::path hostKey() const { return root() / "hostkey"; }
  std::filesystem::path root() const { return m_directory.path().toStdString(); }

  void stop();
  /// On the same port.
  void start();
  /// Another host key, as after a new installation; to be followed by a restart.
  void replaceHostKey();
  /// A further key pair in root(); not authorized.
  std::filesystem::path makeKey(const std::string& name, const std::string& passphrase = {});
  void authorize(const std::filesystem::path& privateKey);
  /// Gives everything below the path to the account.
  void giveToAccount(const std::filesystem::path& path);
  /// Accepts any host key.
  static bool trust(const devices::HostKey&) { return true; }
  std::unique_ptr<devices::SshSession> connect(const devices::SessionLimits& limits = {}) const;
  /// From now on, or no longer: writing a file over SFTP fails as on a full disk. For the default shell only.
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
