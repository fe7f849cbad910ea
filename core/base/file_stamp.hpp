// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace nibblesmith::base {

/// What the file system says of a file without reading it. Every write to a file changes its ctime, which
/// programs cannot set. So the bytes of a file with an equal stamp are those of before, with three
/// exceptions: a disk that fails silently, a clock that was set back, and a write within the clock tick of
/// the stamp (see settled()).
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t sizeBytes = 0;
  int64_t modifiedNs = 0; ///< mtime, nanoseconds since the epoch
  int64_t changedNs = 0;  ///< ctime, likewise

  bool operator==(const FileStamp&) const = default;
  /// "<device>:<inode>:<size>:<mtime>:<ctime>", as the experiment log keeps it.
  std::string text() const;
  /// Whether the last change was at least two seconds ago, the coarsest clock of a file system (FAT). A file
  /// that changed just now may change again without a change of its stamp.
  bool settled() const;
};

/// The stamp of the file that `path` leads to. Throws Error{NotFound, Io}.
FileStamp stampOf(const std::filesystem::path& path);

} // namespace nibblesmith::base
