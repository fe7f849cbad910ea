// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/ssh_session.hpp"

#include <string>
#include <vector>

namespace nibblesmith::devices {

/// Lock on a deployment directory of a device; one program holds it at a time. The lock is the directory
/// .nibblesmith-lock, because mkdir(1) is atomic on every device. It names its holder and contains a
/// heartbeat that is renewed every SessionLimits::heartbeatInterval; its time is the device's uptime, which
/// clock changes do not affect. Another program takes the lock over if the holder's process on this host has
/// ended, if the device was rebooted, or if there was no heartbeat for SessionLimits::staleAfter. A program
/// that lost its lock this way notices before its next step. One thread.
class DeploymentLock {
public:
  /// Acquires the lock. directory: as returned by remoteDirectory(); it must exist. what: "deploying
  /// model.gguf", for the error message that other programs show. Waits until the current holder renews its
  /// heartbeat or its lock is stale. Throws base::Error{Io} naming a holder that is alive; base::Cancelled.
  DeploymentLock(SshSession& session, std::string directory, const std::string& what,
                 const std::stop_token& stop, base::Progress& progress);
  /// Releases the lock if the connection is still open.
  ~DeploymentLock();
  DeploymentLock(const DeploymentLock&) = delete;
  DeploymentLock& operator=(const DeploymentLock&) = delete;

  SshSession& session() const { return m_session; }
  const std::string& directory() const { return m_directory; }
  const std::string& id() const { return m_id; }
  /// Entries that could not be removed with the lock of a program that has ended.
  const std::vector<std::string>& kept() const { return m_kept; }

  /// Returns a script for runScript() that runs `body` in the deployment directory, after a heartbeat, and
  /// only while the lock is held. $lock is a directory for temporary files. beats: renews the heartbeat while
  /// the script runs, for at most this long.
  std::string script(const std::string& body, std::chrono::milliseconds beats = {}) const;
  /// Runs script(body); see runScriptOrThrow().
  std::string run(const std::string& body, const std::string& action, const std::stop_token& stop) const;
  /// Runs script(body) with the time limit for a script that reads or writes `bytes`, and with heartbeats.
  std::string runLong(const std::string& body, const std::string& action, uint64_t bytes,
                      const std::stop_token& stop) const;

private:
  struct State;
  State ask(const std::stop_token& stop) const;
  void takeOver(const State& state, const std::stop_token& stop);
  [[noreturn]] void refuse(const State& state) const;

  SshSession& m_session;
  std::string m_directory;
  std::string m_id;
  std::string m_holder; ///< JSON
  std::vector<std::string> m_kept;
};

/// Progress that renews the heartbeat of a lock while a long call reports.
class HeartbeatProgress final : public base::Progress {
public:
  HeartbeatProgress(base::Progress& parent, const DeploymentLock& lock, const std::stop_token& stop)
      : m_parent(parent), m_lock(lock), m_stop(stop) {}
  /// Throws base::Error{Io} if another program has taken the lock over.
  void report(double fraction, std::string_view stage) override;

private:
  base::Progress& m_parent;
  const DeploymentLock& m_lock;
  const std::stop_token& m_stop;
  std::chrono::steady_clock::time_point m_last = std::chrono::steady_clock::now();
};

} // namespace nibblesmith::devices
