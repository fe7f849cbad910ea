// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/atomic_file.hpp"

#include <map>
#include <set>
#include <stop_token>
#include <vector>

namespace nibblesmith::base {

/// Entries of a directory that this program did not write, for messages.
struct ForeignEntries {
  std::vector<std::string> names; ///< first entries found, as relative paths; directories as "photos/"
  size_t count = 0;               ///< number of all entries

  bool empty() const { return count == 0; }
  void add(const std::string& name);
  /// Returns "'photos/', 'notes.txt' and 12 more", bounded and escaped.
  std::string text() const;
};

/// Returns a new name for a file that is being written: ".writing-" and base::randomId().
std::string temporaryFileName();

/// List of the files that this program wrote into a directory. Nothing else in the directory is removed or
/// replaced: no unlisted file or directory, no file with another size or SHA-256 than listed, no symbolic
/// link, no device. Symbolic links are not followed. Use from one thread.
class OwnedFiles {
public:
  /// Adds a file. Returns false for a name with an empty part, "." or "..". A name may be listed with several
  /// contents.
  bool add(const WrittenFile& file);
  /// Adds a file that this process has just written. It is not read again while its inode, size and
  /// modification time are unchanged.
  bool add(const WrittenFile& file, const struct stat& info);
  /// Adds a file that was being written, whose content is unknown. Returns false if the last part of the name
  /// has not the form of temporaryFileName(): lists are read from files, which somebody may have edited.
  bool addTemporary(const std::string& name);
  bool addDirectory(const std::string& name);
  /// Excludes an entry: it is neither removed nor reported as foreign.
  void exclude(const std::string& name);

  /// Returns true if a file of this name exists and matches the list. Reads the file.
  bool owns(int directory, const std::string& name, const std::stop_token& stop) const;

  /// Removes a file if it matches the list. Returns false if it does not match or does not exist. Throws
  /// Error{Io}, Cancelled.
  bool removeFile(const std::filesystem::path& directory, const std::string& name,
                  const std::stop_token& stop) const;

  enum class Check { Names, Contents };
  /// Returns the entries of the directory that are not owned. Check::Names: trusts names without reading the
  /// files.
  ForeignEntries foreign(const std::filesystem::path& directory, Check check,
                         const std::stop_token& stop) const;
  /// Removes owned files from an open directory, and listed directories that become empty. Returns the
  /// remaining entries. Throws Error{Io} if an owned entry cannot be removed, Cancelled.
  ForeignEntries remove(int directory, const std::filesystem::path& shownPath,
                        const std::stop_token& stop) const;
  /// Opens the directory and calls the overload above. A symbolic link to a directory is not followed.
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
  std::map<std::string, Stamp> m_stamps; ///< stamps of files that this process wrote
};

} // namespace nibblesmith::base
