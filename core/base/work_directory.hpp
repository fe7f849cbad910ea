// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_lock.hpp"
#include "base/owned_files.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

namespace nibblesmith::base {

/// Directory for unfinished work, claimed by one object in one process at a time. The journal
/// nibblesmith-work.jsonl marks it as this program's: a first line with an id, then one line with size and
/// SHA-256 for every file before it gets its name. After a kill at any moment, the next process therefore
/// knows every file. Entries that the journal does not list are never removed. Use from one thread at a time.
class WorkDirectory {
public:
  /// Creates the directory, or takes over the one of an ended process. what: "quantizing SmolLM2-135M", for
  /// the message to another process. Throws Error{InvalidArgument} if the path is a directory without a
  /// journal, a file or a symbolic link; Error{Io} naming the process that holds the directory.
  WorkDirectory(const std::filesystem::path& path, const std::string& what);
  /// Releases the claim. Files stay for the next process; a directory in which nothing was written is
  /// removed.
  ~WorkDirectory();
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;

  const std::filesystem::path& path() const { return m_path; }

  /// Creates a file such as "weights", or "part/weights" after makeDirectory("part"). Its commit() replaces
  /// only files that this program wrote; a foreign entry of that name is renamed first (see
  /// renameForeignEntry()). The file must not outlive this object.
  AtomicFile create(const std::string& name);
  void write(const std::string& name, std::string_view text);
  /// Creates an empty directory.
  void makeDirectory(const std::string& name);
  /// Adds a file or directory to the journal before it is moved into this directory.
  void expectFile(const WrittenFile& file);
  void expectDirectory(const std::string& name);
  /// Returns the files that this object wrote, by name.
  const std::map<std::string, WrittenFile>& written() const { return m_written; }

  /// Removes all owned files. Returns the remaining entries.
  ForeignEntries clear(const std::stop_token& stop = {});
  /// Calls clear(), then removes the directory if it is empty and releases the claim. Later calls do nothing.
  ForeignEntries remove(const std::stop_token& stop = {});

private:
  void claim(const std::string& what);
  void openDirectory();
  bool isOurs() const;
  void refuseForeign() const;
  void readJournal();
  void beginJournal();
  void append(const std::string& line);
  int parentOf(const std::string& name) const;
  bool holdsNothing() const;
  void renameForeignEntry(const std::string& name);

  std::filesystem::path m_path;
  bool m_madeHere = false; ///< this program created the directory itself
  int m_directory = -1;
  int m_journal = -1;
  std::optional<FileLock> m_lock;
  OwnedFiles m_list;
  std::map<std::string, int> m_subdirectories; ///< open descriptors, by name
  std::map<std::string, WrittenFile> m_written;
};

/// Returns "'X.partial' stays: it holds 'photos/', which this program did not write"; empty if nothing
/// remained.
std::string describeKept(const std::filesystem::path& directory, const ForeignEntries& kept);

} // namespace nibblesmith::base
