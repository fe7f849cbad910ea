// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/work_directory.hpp"

#include <filesystem>
#include <functional>
#include <stop_token>

namespace nibblesmith::exporting {

/// Path of a single output file, and what may be replaced there.
struct FileTarget {
  FileTarget(std::filesystem::path file) : path(std::move(file)) {} // never replaces a file

  std::filesystem::path path;
  /// Returns true if the existing regular file, with this size and SHA-256, may be replaced because this
  /// program wrote it. Empty: nothing is replaced.
  std::function<bool(const base::WrittenFile& found)> mayReplace = {};
  /// Callback before the file gets its name, so that it is always recorded; may be empty.
  std::function<void(const base::WrittenFile& file)> beforeNaming = {};
};

/// Single file, written as FILE.writing/FILE. commit() moves it to its own name; otherwise it is removed.
/// Only one object per path exists at a time, across processes. Use from one thread.
class OutputFile {
public:
  /// Prepares the file. Throws base::Error{InvalidArgument} if one of the names is taken by something that
  /// may not be replaced; {Io}; base::Cancelled.
  OutputFile(const FileTarget& target, const std::stop_token& stop);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Creates the file; its commit() completes it at path().
  base::AtomicFile create() { return m_work.create(m_name); }
  std::filesystem::path path() const { return m_work.path() / m_name; }
  /// Moves the file to its name. Returns a text about foreign entries that stayed in FILE.writing, usually
  /// empty. Throws base::Error{Io, InvalidArgument}; base::Cancelled.
  std::string commit(const std::stop_token& stop);

private:
  std::filesystem::path m_final;
  std::string m_name;
  std::function<void(const base::WrittenFile&)> m_beforeNaming;
  std::optional<base::WrittenFile> m_replaced; ///< existing file that will be replaced
  base::WorkDirectory m_work;
};

} // namespace nibblesmith::exporting
