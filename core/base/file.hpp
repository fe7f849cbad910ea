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

/// A file without a name, gone with the object or the process: room for what does not fit in memory. Several
/// threads may use different parts of it at once.
class ScratchFile {
public:
  /// In a directory that is there. Throws Error{Io}.
  explicit ScratchFile(const std::filesystem::path& directory);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  /// Throws Error{Io} with the reason (a full disk, say).
  void write(uint64_t offset, std::span<const std::byte> bytes);
  /// Throws Error{Io}, also for what was never written.
  void read(uint64_t offset, std::span<std::byte> bytes) const;

private:
  std::filesystem::path m_directory;
  int m_file = -1;
};

/// ~/.local/share/nibblesmith or $XDG_DATA_HOME/nibblesmith.
std::filesystem::path dataDirectory();
/// ~/.cache/nibblesmith or $XDG_CACHE_HOME/nibblesmith.
std::filesystem::path cacheDirectory();

} // namespace nibblesmith::base
