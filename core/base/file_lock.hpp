// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace nibblesmith::base {

/// An exclusive lock (flock(2)) on a file that exists for the lock alone. One object in one process holds it
/// at a time; it ends with the object or with its process, however that ends. The file says who holds it, for
/// the message to another one. Any thread.
class FileLock {
public:
  /// Creates the file, and the directories that it is in. what: what the holder does, "quantizing
  /// SmolLM2-135M". Waits for another holder at most for `patience`, then throws Error{Io} with its process,
  /// host, time and work.
  FileLock(const std::filesystem::path& file, const std::string& what,
           std::chrono::milliseconds patience = std::chrono::milliseconds(0));
  /// A file of an open directory.
  FileLock(int directory, const std::string& name, const std::filesystem::path& shownPath,
           const std::string& what, std::chrono::milliseconds patience = std::chrono::milliseconds(0));
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

private:
  int m_file = -1;
};

/// "process 4711 on host 'ws' since 2025-03-01 14:03:05 UTC (quantizing SmolLM2-135M)" for this process and a
/// work that begins now.
std::string describeHolder(const std::string& what);

} // namespace nibblesmith::base
