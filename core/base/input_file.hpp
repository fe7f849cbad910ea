// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include <time.h>

namespace nibblesmith::base {

/// A regular file opened for reading: the one way to open a file from outside (tests/acceptance looks for
/// others). Opening never waits: a named pipe, a device, a socket and a directory are refused, with their
/// kind in the message. The size is the one at the time of opening. Any thread.
class InputFile {
public:
  /// Follows symbolic links. Throws Error{NotFound, Io}.
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;

  const std::filesystem::path& path() const { return m_path; }
  uint64_t size() const { return m_size; }
  /// The open file, for a library that reads it; it stays this object's.
  int descriptor() const { return m_file; }

  /// Fills `bytes` from `offset` on. Throws Error{Io} where the file ends before.
  void read(uint64_t offset, std::span<std::byte> bytes) const;
  /// The whole file. Throws Error{InvalidArgument} above maxBytes, Error{Io}, Cancelled.
  std::string text(uint64_t maxBytes, const std::stop_token& stop = {}) const;
  /// Throws Error{Io} where the file was written to or cut short since it was opened.
  void requireUnchanged() const;

private:
  friend InputFile openWithin(const std::filesystem::path& directory, const std::filesystem::path& name);
  enum class Links { Follow, Refuse };
  InputFile(const std::filesystem::path& path, const std::filesystem::path& shownPath, Links links);

  std::filesystem::path m_path;
  int m_file = -1;
  uint64_t m_size = 0;
  timespec m_written{}; ///< time of the last write before it was opened
};

/// Opens a file of a model's directory whose bytes will go into an artifact as they are. A symbolic link must
/// not carry a private file along: one that leaves the directory is refused, except within the cache of
/// Hugging Face (snapshots/<revision>/<file> -> ../../blobs/<hash>). Throws Error{NotFound, Io}.
InputFile openWithin(const std::filesystem::path& directory, const std::filesystem::path& name);

/// The whole file. Throws Error{NotFound, Io}, Error{InvalidArgument} above maxBytes, Cancelled.
std::string readTextFile(const std::filesystem::path& path, uint64_t maxBytes = uint64_t{1} << 30,
                         const std::stop_token& stop = {});

/// Size of a regular file. Throws Error{NotFound, Io}.
uint64_t fileSize(const std::filesystem::path& path);

/// Whether there is a file of this name; a symbolic link that leads nowhere is none. Throws Error{Io} where
/// something else has the name: a named pipe that a library is given would make it wait.
bool fileExists(const std::filesystem::path& path);

/// Text of a file of the kernel (/proc, /sys), whose size is not known before: its first maxBytes. Empty
/// where it cannot be read.
std::string readSystemFile(const std::filesystem::path& path, size_t maxBytes = size_t{64} << 10);
/// Writes into a file of the kernel; false where that is not possible.
bool writeSystemFile(const std::filesystem::path& path, std::string_view text);

} // namespace nibblesmith::base
