// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace nibblesmith::base {

/// Exclusive lock (flock(2)) on a dedicated lock file. At most one object in one process holds it. It is
/// released with the object, or when the process ends in any way. The file contains a description of the
/// holder, for messages of other processes. Safe for concurrent use.
class FileLock {
public:
  /// Creates the lock file and its parent directories. what: work of the holder, such as "quantizing
  /// SmolLM2-135M". Waits for another holder for at most `patience`, then throws Error{Io} with the holder's
  /// process, host, start time and work.
  FileLock(const std::filesystem::path& file, const std::string& what,
           std::chrono::milliseconds patience = std::chrono::milliseconds(0));
  /// Creates the lock file in an open directory. shownPath: path for messages.
  FileLock(int directory, const std::string& name, const std::filesystem::path& shownPath,
           const std::string& what, std::chrono::milliseconds patience = std::chrono::milliseconds(0));
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

private:
  int m_file = -1;
};

/// Returns the holder text for this process and work that starts now: "process 4711 on host 'ws' since
/// 2025-03-01 14:03:05 UTC (quantizing SmolLM2-135M)".
std::string describeHolder(const std::string& what);

} // namespace nibblesmith::base
