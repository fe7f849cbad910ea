// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/work_directory.hpp"

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>

namespace nibblesmith::exporting {

/// Directory of a new artifact, filled as NAME.writing/artifact in the same parent. commit() moves it to its
/// own name; otherwise it is removed. Only one object per path exists at a time, across processes. Use from
/// one thread.
class OutputDirectory {
public:
  /// Prepares the directory. An existing artifact may be replaced; see checkReplaceable(). Throws
  /// base::Error{InvalidArgument} if something else has one of the names, {Io}; base::Cancelled.
  OutputDirectory(const std::filesystem::path& directory, const std::stop_token& stop);
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  /// Returns the directory of the files before commit().
  const std::filesystem::path& path() const { return m_staging; }
  base::AtomicFile create(const std::string& name);
  void write(const std::string& name, std::string_view text);
  /// Returns the SHA-256 of every written file, keyed by name.
  std::map<std::string, std::string> digests() const;

  /// Moves the directory to its name. Returns a text about foreign entries that stayed in NAME.writing,
  /// usually empty. Throws base::Error{Io, InvalidArgument}; then the old directory is unchanged.
  std::string commit();

private:
  void putInPlaceOf(const std::vector<base::WrittenFile>& old);

  std::filesystem::path m_final;
  base::WorkDirectory m_work;
  std::filesystem::path m_staging;
};

/// Returns the absolute path without links and trailing slash. Throws base::Error{InvalidArgument} if `path`
/// is empty.
std::filesystem::path normalOutput(const std::filesystem::path& path);

/// Returns "X.writing" for X.
std::filesystem::path stagingBeside(const std::filesystem::path& path);
/// Calls WorkDirectory::remove() in destructors: on failure the rest stays for the next writer.
void removeQuietly(base::WorkDirectory& work);

/// Throws base::Error{InvalidArgument} unless `directory` is free, empty, or an artifact without other files;
/// names files that nibblesmith.json does not list, or that were changed. Check::Names: does not read the
/// files.
void checkReplaceable(const std::filesystem::path& directory, base::OwnedFiles::Check check,
                      const std::stop_token& stop);

} // namespace nibblesmith::exporting
