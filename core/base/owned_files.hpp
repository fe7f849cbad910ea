// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/atomic_file.hpp"

#include <map>
#include <set>
#include <stop_token>
#include <vector>

namespace nibblesmith::base {

/// Entries of a directory that this program did not write, as far as a message can name them.
struct ForeignEntries {
  std::vector<std::string> names; ///< relative, "photos/" for a directory; the first ones that were met
  size_t count = 0;               ///< of all

  bool empty() const { return count == 0; }
  void add(const std::string& name);
  /// "'photos/', 'notes.txt' and 12 more"; bounded and escaped.
  std::string text() const;
};

/// The list of what this program wrote into a directory. Nothing else in the directory is ever removed or
/// replaced: a file whose name is not listed, a file that is listed with another size or SHA-256, a directory
/// that is not listed, a symbolic link, a device. Symbolic links are not followed. One thread.
class OwnedFiles {
public:
  /// A name with an empty part, "." or ".." is not taken: then false. One name may be listed with several
  /// contents.
  bool add(const WrittenFile& file);
  /// The same for a file that this process has just written: while it is the same file of the same size and
  /// time, it need not be read again.
  bool add(const WrittenFile& file, const struct stat& info);
  /// A file that was being written under a random name of ours: its content is not known.
  bool addTemporary(const std::string& name);
  bool addDirectory(const std::string& name);
  /// This entry is not looked at: neither removed nor foreign.
  void leaveAlone(const std::string& name);

  /// Whether there is a file of this name, and it is as the list says. Reads the file.
  bool owns(int directory, const std::string& name, const std::stop_token& stop) const;

  /// Removes one file from a directory where it is as the list says; false where it is not, or not there.
  /// Throws Error{Io}, Cancelled.
  bool removeFile(const std::filesystem::path& directory, const std::string& name,
                  const std::stop_token& stop) const;

  enum class Check { Names, Contents };
  /// What is in the directory and not ours. Names: what is listed counts as ours without being read.
  ForeignEntries foreign(const std::filesystem::path& directory, Check check,
                         const std::stop_token& stop) const;
  /// Removes what is ours from an open directory, and listed directories that are empty then. Returns what
  /// stayed. Throws Error{Io} where something of ours cannot be removed, Cancelled.
  ForeignEntries remove(int directory, const std::filesystem::path& shownPath,
                        const std::stop_token& stop) const;
  /// The same by name; a symbolic link to a directory is not followed. Throws as remove() above.
  ForeignEntries remove(const std::filesystem::path& directory, const std::stop_token& stop) const;

private:
  struct Content {
    uint64_t sizeBytes;
    std::string sha256;
  };
  struct Stamp {
    uint64_t device, inode, sizeBytes;
    int64_t modifiedNs;
    bool operator==(const Stamp&) const = default;
  };
  static Stamp stampOf(const struct stat& info);
  struct Walk;

  std::map<std::string, std::vector<Content>> m_files;
  std::set<std::string> m_temporaries;
  std::set<std::string> m_directories;
  std::set<std::string> m_leftAlone;
  std::map<std::string, Stamp> m_stamps; ///< of files that this process wrote
};

} // namespace nibblesmith::base
