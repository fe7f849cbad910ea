// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/ssh_session.hpp"

#include <string>
#include <vector>

namespace nibblesmith::devices {

/// A deployment directory on a device, held by one program at a time. The lock is the directory
/// .nibblesmith-lock in it, since mkdir(1) is atomic everywhere. It says who holds it and gets a sign of life
/// every SessionLimits::lockBeat: the device's time since its start, which no clock changes. A lock is taken
/// over when its process on this host has ended, when the device was started anew, or when there was no sign
/// of life for SessionLimits::lockStale. Whoever lost the lock that way notices before its next step. One
/// thread.
class DeploymentLock {
public:
  /// directory: as remoteDirectory() gives it, and there. what: "deploying model.gguf", for the message to
  /// others. Waits until a holder gives a sign of life or counts as gone. Throws base::Error{Io} naming the
  /// holder that lives; base::Cancelled.
  DeploymentLock(SshSession& session, std::string directory, const std::string& what,
                 const std::stop_token& stop, base::Progress& progress);
  /// Releases the lock where there is still a connection.
  ~DeploymentLock();
  DeploymentLock(const DeploymentLock&) = delete;
  DeploymentLock& operator=(const DeploymentLock&) = delete;

  SshSession& session() const { return m_session; }
  const std::string& directory() const { return m_directory; }
  const std::string& id() const { return m_id; }
  /// What could not be removed with the lock of an ended program.
  const std::vector<std::string>& kept() const { return m_kept; }

  /// `body` for runScript(): run in the deployment directory, after a sign of life, and only while the lock
  /// is held. $lock is a directory for temporary files. beats: with signs of life as long as it runs, for at
  /// most that long.
  std::string script(const std::string& body, std::chrono::milliseconds beats = {}) const;
  /// Runs such a script; see runScriptOrThrow().
  std::string run(const std::string& body, const std::string& action, const std::stop_token& stop) const;
  /// The same for a script that reads or writes `bytes`.
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

/// Gives signs of life while a long call reports its progress.
class BeatingProgress final : public base::Progress {
public:
  BeatingProgress(base::Progress& parent, const DeploymentLock& lock, const std::stop_token& stop)
      : m_parent(parent), m_lock(lock), m_stop(stop) {}
  /// Throws base::Error{Io} where another program took the lock over.
  void report(double fraction, std::string_view stage) override;

private:
  base::Progress& m_parent;
  const DeploymentLock& m_lock;
  const std::stop_token& m_stop;
  std::chrono::steady_clock::time_point m_last = std::chrono::steady_clock::now();
};

} // namespace nibblesmith::devices
