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

/// A host key nobody has confirmed yet.
struct HostKey {
  std::string host;
  uint16_t port = 22;
  std::string type;        ///< "ssh-ed25519"
  std::string fingerprint; ///< "SHA256:..."
};

/// Asked for an unknown host key; true: trust and remember it. A changed key is never asked for: refused.
using ConfirmHostKey = std::function<bool(const HostKey&)>;

/// How long the steps of a session may take and how much a device may send. A device that keeps silent, drips
/// or never ends is given up when a limit is reached.
struct SessionLimits {
  std::chrono::milliseconds connect{10'000}; ///< name, TCP connection and key exchange each
  std::chrono::milliseconds login{20'000};
  std::chrono::milliseconds answer{20'000};  ///< to a request of the protocol: a new channel
  std::chrono::milliseconds command{60'000}; ///< from beginning to end, for a command that has little to do
  double diskBytesPerSecond = 2e6; ///< of the slowest board: reading a file and computing its checksum
  std::chrono::milliseconds stall{30'000};         ///< of an upload: until a piece of it is acknowledged
  std::chrono::milliseconds uploadWindow{300'000}; ///< in which at least uploadBytes have to get through
  uint64_t uploadBytes = 1'000'000;
  size_t outputBytes = size_t{8} << 20;        ///< of a command, on standard output
  size_t errorBytes = size_t{64} << 20;        ///< on standard error, of which the end is kept
  std::chrono::milliseconds lockBeat{10'000};  ///< between two signs of life of who holds a device
  std::chrono::milliseconds lockStale{60'000}; ///< without a sign of life, a lock is taken over

  /// For a command that reads or writes `bytes` on the device.
  std::chrono::milliseconds work(uint64_t bytes) const {
    return command + std::chrono::milliseconds(
                         static_cast<int64_t>(1000 * static_cast<double>(bytes) / diskBytesPerSecond));
  }
};

struct CommandResult {
  int exitStatus = 0;
  std::string output;
  std::string errors; ///< the last 64 KiB
};

/// What one command may take; 0: the session's limit for commands.
struct CommandLimits {
  std::chrono::milliseconds total{0};
  std::chrono::milliseconds silence{0}; ///< without a byte of output; 0: as long as total
};

/// One SSH connection (libssh). One thread at a time; every call is bounded in time and looks at the stop.
class SshSession {
public:
  /// Connects, checks the host key, logs in with key or agent. Throws base::Error{Io} (unreachable, login
  /// refused, host key changed or not confirmed: each in one clear sentence), base::Cancelled.
  SshSession(const Device& device, const std::filesystem::path& knownHostsFile, const ConfirmHostKey& confirm,
             const std::stop_token& stop, const SessionLimits& limits = {});
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  const SessionLimits& limits() const;
  /// "host:port", for messages.
  const std::string& where() const;
  /// Whether there is still a connection, as far as is known.
  bool isConnected() const;

  /// Runs a command in the login shell. onErrors gets standard error as it comes; may be empty. Throws
  /// base::Error{Io} where the command reaches a limit or the connection is lost.
  CommandResult run(const std::string& command, const std::stop_token& stop,
                    const std::function<void(std::string_view)>& onErrors = {}, CommandLimits limits = {});
  /// Uploads over SFTP. resume: goes on behind the bytes of a regular file that is there already. Otherwise
  /// the file is a new one (another inode) in the place of a regular file of that name: one that a broken
  /// connection still writes to, or that is being run, is let go. Anything else of that name is refused.
  void upload(const std::filesystem::path& local, const std::string& remote, bool resume,
              const std::stop_token& stop, base::Progress& progress);

private:
  struct State;
  std::unique_ptr<State> m_state;
};

/// 'text' quoted for a POSIX shell.
std::string shellQuote(const std::string& text);

} // namespace nibblesmith::devices
