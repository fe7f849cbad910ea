// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "devices/device.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace nibblesmith::devices {

/// Host key that the user has not confirmed yet.
struct HostKey {
  std::string host;
  uint16_t port = 22;
  std::string type;        ///< "ssh-ed25519"
  std::string fingerprint; ///< "SHA256:..."
};

/// Callback for an unknown host key; returns true to trust and store it. Not called for a changed key, which
/// is always refused.
using ConfirmHostKey = std::function<bool(const HostKey&)>;

/// Limits on the duration of a session's steps and on the data that a device may send. They end a session
/// with a device that is silent, sends too slowly or never stops.
struct SessionLimits {
  std::chrono::milliseconds connect{10'000}; ///< each for name lookup, TCP connection and key exchange
  std::chrono::milliseconds login{20'000};
  std::chrono::milliseconds answer{20'000};  ///< to a protocol request, such as opening a channel
  std::chrono::milliseconds command{60'000}; ///< total time of a command with little work
  /// Speed at which the slowest board reads a file and computes its checksum.
  double diskBytesPerSecond = 2e6;
  std::chrono::milliseconds stall{30'000};         ///< of an upload: time until a chunk is acknowledged
  std::chrono::milliseconds uploadWindow{300'000}; ///< time in which at least uploadBytes must be transferred
  uint64_t uploadBytes = 1'000'000;
  size_t outputBytes = size_t{8} << 20; ///< largest standard output of a command
  size_t errorBytes = size_t{64} << 20; ///< largest standard error of a command; only its tail is kept
  std::chrono::milliseconds heartbeatInterval{10'000}; ///< interval between heartbeats of a lock
  std::chrono::milliseconds staleAfter{60'000}; ///< age of the last heartbeat at which a lock is taken over

  /// Returns the time limit for a command that reads or writes `bytes` on the device.
  std::chrono::milliseconds work(uint64_t bytes) const {
    return command + std::chrono::milliseconds(
                         static_cast<int64_t>(1000 * static_cast<double>(bytes) / diskBytesPerSecond));
  }
};

struct CommandResult {
  int exitStatus = 0;
  std::string output;
  std::string errors; ///< last 64 KiB
};

/// Time limits of one command; 0: the session's limit for commands.
struct CommandLimits {
  std::chrono::milliseconds total{0};
  std::chrono::milliseconds silence{0}; ///< longest time without output; 0: same as total
};

/// SSH connection (libssh). One thread at a time. Every call has a time limit and checks the stop token.
class SshSession {
public:
  /// Connects, checks the host key, and logs in with a key or the agent. Throws base::Error{Io} (host
  /// unreachable, login refused, host key changed or not confirmed), base::Cancelled.
  SshSession(const Device& device, const std::filesystem::path& knownHostsFile, const ConfirmHostKey& confirm,
             const std::stop_token& stop, const SessionLimits& limits = {});
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  const SessionLimits& limits() const;
  /// Returns "host:port", for messages.
  const std::string& where() const;
  /// True if the connection is still open, as far as is known without sending.
  bool isConnected() const;

  /// Runs a command in the login shell. onErrors receives standard error as it arrives; may be empty. Throws
  /// base::Error{Io} if the command exceeds a limit or the connection is lost.
  CommandResult run(const std::string& command, const std::stop_token& stop,
                    const std::function<void(std::string_view)>& onErrors = {}, CommandLimits limits = {});
  /// Uploads a file over SFTP. resume: continues after the bytes of an existing regular file. Otherwise
  /// replaces an existing regular file by a new one (a new inode), because the old file may still be running
  /// or still be written by a broken connection. Refuses to replace anything that is not a regular file.
  void upload(const std::filesystem::path& local, const std::string& remote, bool resume,
              const std::stop_token& stop, base::Progress& progress);

private:
  struct State;
  std::unique_ptr<State> m_state;
};

/// Returns the text quoted for a POSIX shell: 'text'.
std::string shellQuote(const std::string& text);

} // namespace nibblesmith::devices
