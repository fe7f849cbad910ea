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

/// Record of a written file, to recognize it later.
struct WrittenFile {
  /// Path relative to the directory it was written to, with '/' as separator.
  std::string name;
  uint64_t sizeBytes = 0;
  std::string sha256;

  bool operator==(const WrittenFile&) const = default;
};

/// Writer that creates a file under a temporary name in the target directory. commit() syncs the file and
/// renames it; without commit() it is removed. No process sees a partial file under the final name. The
/// temporary name is unique. Only a regular file is replaced, never a device, named pipe or directory. Use
/// from one thread.
class AtomicFile {
public:
  /// Creates missing directories. If `path` is a symbolic link, the file it points to is replaced. Throws
  /// Error{InvalidArgument, Io}.
  explicit AtomicFile(const std::filesystem::path& path);

  /// Callback before the rename, with fstat(2)'s result for the complete file and its SHA-256.
  using BeforeRename = std::function<void(const struct stat& info, const std::string& sha256)>;
  /// Creates a file in an open directory, whose descriptor stays with the caller. A symbolic link is not
  /// followed. shownPath: path for messages.
  AtomicFile(int directory, std::string name, std::string temporaryName, std::filesystem::path shownPath,
             BeforeRename beforeNaming);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends bytes. Throws Error{Io} with the path and the reason, such as a full disk.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  uint64_t position() const { return m_position; }
  /// Returns the final path.
  const std::filesystem::path& path() const { return m_path; }
  void commit();

private:
  void create();
  void checkTarget() const;

  std::filesystem::path m_path;
  std::string m_name;
  std::string m_temporary;
  BeforeRename m_beforeNaming;
  std::optional<Sha256> m_digest; ///< only computed if m_beforeNaming needs it
  int m_ownDirectory = -1;        ///< closed by the destructor; -1 if the caller owns the directory
  int m_directory = -1;
  int m_file = -1;
  uint64_t m_position = 0;
  bool m_named = false;
};

void writeFileAtomically(const std::filesystem::path& path, std::string_view text);

/// Returns the kind of file that st_mode describes, for messages: "a named pipe", "a directory", ...
const char* fileKind(unsigned mode);

} // namespace nibblesmith::base
