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

/// Regular file opened for reading. All untrusted files are opened through this class (tests/acceptance
/// checks it). Opening never blocks: named pipes, devices, sockets and directories are rejected with a
/// message that names their kind. The size is the one at opening. Safe for concurrent use.
class InputFile {
public:
  /// Opens the file; follows symbolic links. Throws Error{NotFound, Io}.
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;

  const std::filesystem::path& path() const { return m_path; }
  uint64_t size() const { return m_size; }
  /// Returns the file descriptor, for libraries. The object keeps ownership.
  int descriptor() const { return m_file; }

  /// Fills `bytes` from `offset` on. Throws Error{Io} if the file is too short.
  void read(uint64_t offset, std::span<std::byte> bytes) const;
  /// Returns the whole content. Throws Error{InvalidArgument} if it exceeds maxBytes, Error{Io}, Cancelled.
  std::string text(uint64_t maxBytes, const std::stop_token& stop = {}) const;
  /// Throws Error{Io} if the file was modified or truncated since it was opened.
  void requireUnchanged() const;

private:
  friend InputFile openWithin(const std::filesystem::path& directory, const std::filesystem::path& name);
  enum class Links { Follow, Refuse };
  InputFile(const std::filesystem::path& path, const std::filesystem::path& shownPath, Links links);

  std::filesystem::path m_path;
  int m_file = -1;
  uint64_t m_size = 0;
  timespec m_written{}; ///< modification time at opening
};

/// Opens a file of a model directory that will be copied unchanged into an artifact. A symbolic link must not
/// expose a private file: links that leave the directory are rejected, except within the Hugging Face cache
/// (snapshots/REVISION/FILE -> ../../blobs/HASH). Throws Error{NotFound, Io}.
InputFile openWithin(const std::filesystem::path& directory, const std::filesystem::path& name);

/// Returns the whole content of a file. Throws Error{NotFound, Io}, Error{InvalidArgument} if it exceeds
/// maxBytes, Cancelled.
std::string readTextFile(const std::filesystem::path& path, uint64_t maxBytes = uint64_t{1} << 30,
                         const std::stop_token& stop = {});

/// Returns the size of a regular file. Throws Error{NotFound, Io}.
uint64_t fileSize(const std::filesystem::path& path);

/// Returns true if a regular file of this name exists; false for a dangling symbolic link. Throws Error{Io}
/// for any other kind of file, since a library would block on a named pipe.
bool fileExists(const std::filesystem::path& path);

/// Returns the first maxBytes of a kernel file (/proc, /sys), whose size is not known in advance. Empty if it
/// is not readable.
std::string readSystemFile(const std::filesystem::path& path, size_t maxBytes = size_t{64} << 10);
/// Writes to a kernel file. Returns false on failure.
bool writeSystemFile(const std::filesystem::path& path, std::string_view text);

} // namespace nibblesmith::base
