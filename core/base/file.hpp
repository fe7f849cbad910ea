// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/atomic_file.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// A file mapped for reading. Any thread; the bytes live as long as the object.
class MappedFile {
public:
  /// Throws Error{NotFound, Io}.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {m_data, m_size}; }
  const std::filesystem::path& path() const { return m_path; }
  /// Gives the memory of what was read back to the system; the bytes are read again where they are needed.
  void releasePages() const;

private:
  std::filesystem::path m_path;
  const std::byte* m_data = nullptr;
  size_t m_size = 0;
};

/// The whole file. Throws Error{NotFound, Io}, and Error{InvalidArgument} above maxBytes.
std::string readTextFile(const std::filesystem::path& path, uint64_t maxBytes = uint64_t{1} << 30);

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
