// SPDX-License-Identifier: Apache-2.0
#include "devices/ssh_session.hpp"

#include "base/path_status.hpp"
#include "devices/host_keys.hpp"
#include "devices/ssh_login.hpp"
#include "devices/ssh_state.hpp"
#include "devices/tcp_connect.hpp"

#include <cstdlib>
#include <new>

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

namespace nibblesmith::devices {

namespace {

std::filesystem::path homeDirectory() {
  if (const char* home = std::getenv("HOME"); home && *home)
    return home;
  passwd entry{};
  passwd* found = nullptr;
  std::string buffer(16 * 1024, '\0');
  if (::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found)
    return found->pw_dir;
  return "/";
}

void set(Connection& connection, enum ssh_options_e which, const void* value, const std::string& what) {
  if (ssh_options_set(connection.session.get(), which, value) == SSH_OK)
    return;
  const std::string reason = ssh_get_error(connection.session.get());
  throw base::Error(base::ErrorCode::InvalidArgument,
                    what + " is not accepted" + (reason.empty() ? "" : ": " + reason));
}

/// Sets the session's options: the user's SSH configuration for the host, overridden by the device's fields.
void setOptions(Connection& connection, const Device& device, const KnownHostsFiles& files,
                std::chrono::milliseconds limit) {
  ssh_session session = connection.session.get();
  const std::filesystem::path sshDirectory = files.user.parent_path();
  const int off = 0;
  const int on = 1;
  set(connection, SSH_OPTIONS_SSH_DIR, sshDirectory.c_str(), "'" + sshDirectory.string() + "'");
  set(connection, SSH_OPTIONS_HOST, device.host.c_str(), "host '" + device.host + "'");
  for (const std::filesystem::path& config :
       {sshDirectory / "config", std::filesystem::path("/etc/ssh/ssh_config")})
    if (base::isRegularFile(config) && ssh_options_parse_config(session, config.c_str()) != SSH_OK)
      throw base::Error(base::ErrorCode::Io,
                        "cannot read '" + config.string() + "': " + ssh_get_error(session));
  set(connection, SSH_OPTIONS_PROCESS_CONFIG, &off, "ssh config");
  // The user decides on unknown keys, whatever the configuration says.
  set(connection, SSH_OPTIONS_STRICTHOSTKEYCHECK, &on, "StrictHostKeyChecking");
  if (device.port != 22) {
    const unsigned port = device.port;
    set(connection, SSH_OPTIONS_PORT, &port, "port");
  }
  if (!device.user.empty())
    set(connection, SSH_OPTIONS_USER, device.user.c_str(), "user '" + device.user + "'");
  // libssh reads both files to request a host key of a known type.
  set(connection, SSH_OPTIONS_KNOWNHOSTS, files.own.c_str(), "known hosts file");
  set(connection, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, files.user.c_str(), "known hosts file");
  const long seconds = std::chrono::ceil<std::chrono::seconds>(limit).count();
  set(connection, SSH_OPTIONS_TIMEOUT, &seconds, "timeout");

  connection.host = option(session, SSH_OPTIONS_HOST);
  unsigned port = 22;
  ssh_options_get_port(session, &port);
  connection.port = static_cast<uint16_t>(port);
  connection.user = option(session, SSH_OPTIONS_USER);
  connection.where = connection.host + ":" + std::to_string(connection.port);
}

void connect(Connection& connection, std::chrono::milliseconds limit, const std::stop_token& stop) {
  ssh_session session = connection.session.get();
  const std::string proxy = option(session, SSH_OPTIONS_PROXYCOMMAND);
  if (proxy.empty() || proxy == "none") {
    // Uses its own socket: libssh's connect cannot be stopped and does not distinguish the reasons of a
    // failure.
    int file = connectTcp(connection.host, connection.port, limit, stop);
    if (ssh_options_set(session, SSH_OPTIONS_FD, &file) != SSH_OK) {
      ::close(file);
      throw std::bad_alloc();
    }
    connection.socket = ::fcntl(file, F_DUPFD_CLOEXEC, 0);
  }
  Watchdog watchdog(connection.socket, stop, limit);
  if (ssh_connect(session) != SSH_OK)
    throwFailed(connection, "set up an SSH connection", watchdog, stop);
  if (connection.socket < 0)
    connection.socket = ::fcntl(ssh_get_fd(session), F_DUPFD_CLOEXEC, 0);
  base::throwIfStopped(stop);
}

} // namespace

SshSession::SshSession(const Device& device, const std::filesystem::path& knownHostsFile,
                       const ConfirmHostKey& confirm, const std::stop_token& stop,
                       const SessionLimits& limits)
    : m_state(std::make_unique<State>()) {
  m_state->limits = limits;
  // libssh counts the calls; they are safe from any thread. The shared library initializes itself, a static
  // one does not.
  static const int initialized = ssh_init();
  Connection& connection = m_state->connection;
  connection.session.reset(initialized == SSH_OK ? ssh_new() : nullptr);
  if (!connection.session)
    throw base::Error(base::ErrorCode::OutOfMemory, "cannot start an SSH session");
  const KnownHostsFiles files{knownHostsFile, homeDirectory() / ".ssh" / "known_hosts"};
  setOptions(connection, device, files, limits.connect);
  connect(connection, limits.connect, stop);
  checkHostKey(connection, files, confirm);
  base::throwIfStopped(stop);
  logIn(connection, device, limits.login, stop);
}

SshSession::~SshSession() = default;

const SessionLimits& SshSession::limits() const { return m_state->limits; }
const std::string& SshSession::where() const { return m_state->connection.where; }
bool SshSession::isConnected() const { return ssh_is_connected(m_state->connection.session.get()) != 0; }

} // namespace nibblesmith::devices
