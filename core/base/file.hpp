// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/atomic_file.hpp"
#include "base/input_file.hpp"
#include "base/mapped_file.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// Unnamed temporary file for data that does not fit in memory. It is deleted with the object, or when the
/// process ends. Different parts may be used concurrently.
class ScratchFile {
public:
  /// Creates the file in an existing directory. Throws Error{Io}.
  explicit ScratchFile(const std::filesystem::path& directory);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  /// Writes at `offset`. Throws Error{Io} with the reason, such as a full disk.
  void write(uint64_t offset, std::span<const std::byte> bytes);
  /// Reads from `offset`. Throws Error{Io}, also for parts that were never written.
  void read(uint64_t offset, std::span<std::byte> bytes) const;

private:
  std::filesystem::path m_directory;
  int m_file = -1;
};

/// Returns $XDG_DATA_HOME/nibblesmith, by default ~/.local/share/nibblesmith.
std::filesystem::path dataDirectory();
/// Returns $XDG_CACHE_HOME/nibblesmith, by default ~/.cache/nibblesmith.
std::filesystem::path cacheDirectory();

} // namespace nibblesmith::base
