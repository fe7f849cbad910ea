// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace nibblesmith::base {

/// File attributes that reveal a change without reading the file. Every write changes the ctime, which
/// programs cannot set. So an equal stamp means equal bytes, with three exceptions: silent disk errors, a
/// clock that was set back, and a write within the clock resolution of the stamp (see settled()).
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t sizeBytes = 0;
  int64_t modifiedNs = 0; ///< mtime, nanoseconds since the epoch
  int64_t changedNs = 0;  ///< ctime, nanoseconds since the epoch

  bool operator==(const FileStamp&) const = default;
  /// Returns "<device>:<inode>:<size>:<mtime>:<ctime>", the form in the experiment log.
  std::string text() const;
  /// Returns true if the last change is at least two seconds old: the coarsest file system clock (FAT). A
  /// file that has just changed may change again with the same stamp.
  bool settled() const;
};

/// Returns the stamp of a file; follows symbolic links. Throws Error{NotFound, Io}.
FileStamp stampOf(const std::filesystem::path& path);

} // namespace nibblesmith::base
