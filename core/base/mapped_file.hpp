// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fault_guard.hpp"
#include "base/input_file.hpp"

#include <optional>

namespace nibblesmith::base {

/// A file mapped for reading. Any thread; the bytes live as long as the object. Where another program cuts
/// the file short meanwhile the missing bytes read as zeros, and the two checks below throw: every stage that
/// read from the mapping ends with one of them before its result is used.
class MappedFile {
public:
  /// Throws Error{NotFound, Io}.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {m_data, m_size}; }
  const std::filesystem::path& path() const { return m_file.path(); }
  /// Throws Error{Io} where the file was written to or cut short since it was opened, or could not be read.
  void requireUnchanged() const;
  /// Gives the memory of what was read back to the system; the bytes are read again where they are needed.
  /// Throws as requireUnchanged().
  void releasePages() const;

private:
  InputFile m_file;
  const std::byte* m_data = nullptr;
  size_t m_size = 0;
  std::optional<FaultGuard> m_guard; ///< empty for an empty file
};

} // namespace nibblesmith::base
