// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fault_guard.hpp"
#include "base/input_file.hpp"

#include <optional>

namespace nibblesmith::base {

/// Read-only memory mapping of a file. Safe for concurrent use; the bytes live as long as the object. If
/// another program truncates the file, the missing bytes read as zeros, and requireUnchanged() and
/// releasePages() throw. Every stage that reads from the mapping must call one of them before its result is
/// used.
class MappedFile {
public:
  /// Maps the file. Throws Error{NotFound, Io}, {Corrupt} if a large file is nearly all holes.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {m_data, m_size}; }
  const std::filesystem::path& path() const { return m_file.path(); }
  /// Throws Error{Io} if the file was modified or truncated since it was opened, or could not be read.
  void requireUnchanged() const;
  /// Returns the memory of pages that were read to the system; they are read again when needed. Throws like
  /// requireUnchanged().
  void releasePages() const;

private:
  InputFile m_file;
  const std::byte* m_data = nullptr;
  size_t m_size = 0;
  std::optional<FaultGuard> m_guard; ///< empty for an empty file
};

} // namespace nibblesmith::base
