// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/work_directory.hpp"

#include <filesystem>
#include <functional>
#include <stop_token>

namespace nibblesmith::exporting {

/// Where a single file goes.
struct FileTarget {
  FileTarget(std::filesystem::path file) : path(std::move(file)) {} // a path alone replaces nothing

  std::filesystem::path path;
  /// Whether the regular file that has the name now, with this size and SHA-256, may be replaced: what this
  /// program wrote, as far as the caller knows. Empty: nothing is replaced.
  std::function<bool(const base::WrittenFile& found)> mayReplace = {};
  /// Receives what the file will be before it gets its name, so that a record of it is never missing; may be
  /// empty.
  std::function<void(const base::WrittenFile& file)> beforeNaming = {};
};

/// A single file that is written as FILE.writing/FILE and takes its own name with commit(). Uncommitted, it
/// is removed. Two of them for one place exclude each other. One thread.
class OutputFile {
public:
  /// Throws base::Error{InvalidArgument} where something that may not be replaced has the name, or is in the
  /// way; {Io}; base::Cancelled.
  OutputFile(const FileTarget& target, const std::stop_token& stop);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// The file to write; its own commit() completes it at path().
  base::AtomicFile create() { return m_work.create(m_name); }
  std::filesystem::path path() const { return m_work.path() / m_name; }
  /// Throws base::Error{Io, InvalidArgument}; base::Cancelled. Returns in words what could not be cleaned up,
  /// as this program did not write it; "" mostly.
  std::string commit(const std::stop_token& stop);

private:
  std::filesystem::path m_final;
  std::string m_name;
  std::function<void(const base::WrittenFile&)> m_beforeNaming;
  std::optional<base::WrittenFile> m_replaced; ///< what has the name now and may be replaced
  base::WorkDirectory m_work;
};

} // namespace nibblesmith::exporting
