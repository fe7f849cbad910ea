// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "devices/device.hpp"

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace nibblesmith::devices {

/// A host key nobody has confirmed yet.
struct HostKey {
  std::string host;
  uint16_t port = 22;
  std::string type;        ///< "ssh-ed25519"
  std::string fingerprint; ///< "SHA256:..."
};

/// Asked for an unknown host key; true: trust and remember it. A changed key is never asked for: refused.
using ConfirmHostKey = std::function<bool(const HostKey&)>;

struct CommandResult {
  int exitStatus = 0;
  std::string output;
  std::string errors;
};

/// One SSH connection (libssh). One thread at a time; every call is bounded in time and looks at the stop.
class SshSession {
public:
  /// Connects, checks the host key, logs in with key or agent. Throws base::Error{Io} (unreachable, login
  /// refused, host key changed or not confirmed: each in one clear sentence), base::Cancelled.
  SshSession(const Device& device, const std::filesystem::path& knownHostsFile, const ConfirmHostKey& confirm,
             const std::stop_token& stop);
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  /// Runs a command in the login shell. onOutput may be empty; gets standard error as it comes.
  CommandResult run(const std::string& command, const std::stop_token& stop,
                    const std::function<void(std::string_view)>& onErrors = {});
  /// Uploads over SFTP, going on behind bytes that are already there when `resume`.
  void upload(const std::filesystem::path& local, const std::string& remote, bool resume,
              const std::stop_token& stop, base::Progress& progress);

private:
  struct State;
  std::unique_ptr<State> m_state;
};

/// 'text' quoted for a POSIX shell.
std::string shellQuote(const std::string& text);

} // namespace nibblesmith::devices
