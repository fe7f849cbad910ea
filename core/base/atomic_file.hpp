// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/hash.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sys/stat.h>

namespace nibblesmith::base {

/// A file as it was written: enough to recognize it later.
struct WrittenFile {
  std::string name; ///< relative to the directory it was written into, with '/' between the parts
  uint64_t sizeBytes = 0;
  std::string sha256;

  bool operator==(const WrittenFile&) const = default;
};

/// Writes through a temporary name in the same directory that is synced and renamed by commit(); an
/// uncommitted file is removed. Nobody ever sees half a file under the final name. The temporary name is a
/// new one that nobody else has. Only a regular file or a free name is written to: never a device, a named
/// pipe or a directory. One thread.
class AtomicFile {
public:
  /// Creates missing directories. A symbolic link is followed; the file behind it is replaced.
  /// Throws Error{InvalidArgument, Io}.
  explicit AtomicFile(const std::filesystem::path& path);

  /// Receives what fstat(2) says of the complete file, and its SHA-256, before it gets its name.
  using BeforeNaming = std::function<void(const struct stat& info, const std::string& sha256)>;
  /// A file of an open directory, which the caller keeps open. A symbolic link is not followed. shownPath:
  /// for messages.
  AtomicFile(int directory, std::string name, std::string temporaryName, std::filesystem::path shownPath,
             BeforeNaming beforeNaming);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws Error{Io}, with the path and the reason (a full disk, say).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  uint64_t position() const { return m_position; }
  /// The final name.
  const std::filesystem::path& path() const { return m_path; }
  void commit();

private:
  void create();
  void checkTarget() const;

  std::filesystem::path m_path;
  std::string m_name;
  std::string m_temporary;
  BeforeNaming m_beforeNaming;
  std::optional<Sha256> m_digest; ///< where somebody asks for it
  int m_ownDirectory = -1;        ///< to be closed
  int m_directory = -1;
  int m_file = -1;
  uint64_t m_position = 0;
  bool m_named = false;
};

void writeFileAtomically(const std::filesystem::path& path, std::string_view text);

/// "a named pipe", "a directory", ...: what st_mode says, for messages.
const char* fileKind(unsigned mode);

} // namespace nibblesmith::base
