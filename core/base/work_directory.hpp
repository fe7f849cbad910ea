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

/// A directory for unfinished work, held by one object in one process at a time. It belongs to this program
/// by the journal in it, nibblesmith-work.jsonl: a first line with an id, then one line for every file before
/// it appears under its name, with size and SHA-256. So a process that is killed at any moment leaves nothing
/// that the next one does not know. What the journal does not list stays, whatever its name. One thread at a
/// time.
class WorkDirectory {
public:
  /// Makes the directory, or takes over what an ended process left there. what: "quantizing SmolLM2-135M",
  /// for the message to another process. Throws Error{InvalidArgument} where something else has the name: a
  /// directory without a journal, a file, a symbolic link; Error{Io} naming the process that holds the
  /// directory now.
  WorkDirectory(const std::filesystem::path& path, const std::string& what);
  /// Ends the claim. Files stay for the next one; a directory in which nothing was written goes.
  ~WorkDirectory();
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;

  const std::filesystem::path& path() const { return m_path; }

  /// A new file, "weights" or "part/weights" after makeDirectory("part"); its commit() replaces a file of
  /// ours. Anything else of that name is moved out of the way first, see setAside(). The file must not
  /// outlive this.
  AtomicFile create(const std::string& name);
  void write(const std::string& name, std::string_view text);
  /// An empty directory of ours.
  void makeDirectory(const std::string& name);
  /// Lists a file or a directory that is about to be moved into this directory.
  void expectFile(const WrittenFile& file);
  void expectDirectory(const std::string& name);
  /// What this object wrote, by name.
  const std::map<std::string, WrittenFile>& written() const { return m_written; }

  /// Removes everything of ours. Returns what stayed.
  ForeignEntries clear(const std::stop_token& stop = {});
  /// The same, and where nothing stayed the directory itself: the end of the claim. Does nothing after that.
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
  void setAside(const std::string& name);

  std::filesystem::path m_path;
  bool m_madeHere = false; ///< the directory is ours, not only what is in it
  int m_directory = -1;
  int m_journal = -1;
  std::optional<FileLock> m_lock;
  OwnedFiles m_list;
  std::map<std::string, int> m_subdirectories; ///< open, by name
  std::map<std::string, WrittenFile> m_written;
};

/// "'X.partial' stays: it holds 'photos/', which this program did not write"; empty where nothing stayed.
std::string describeKept(const std::filesystem::path& directory, const ForeignEntries& kept);

} // namespace nibblesmith::base
