// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/work_directory.hpp"

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>

namespace nibblesmith::exporting {

/// The directory of an artifact, filled as NAME.writing/artifact beside it; it takes its own name with
/// commit(). Uncommitted, it is removed. Two of them for one place exclude each other. One thread.
class OutputDirectory {
public:
  /// An artifact that is there already may be replaced; see checkReplaceable(). Throws
  /// base::Error{InvalidArgument} where something else is there, or in the way, {Io}; base::Cancelled.
  OutputDirectory(const std::filesystem::path& directory, const std::stop_token& stop);
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  /// Where the files are until commit().
  const std::filesystem::path& path() const { return m_staging; }
  base::AtomicFile create(const std::string& name);
  void write(const std::string& name, std::string_view text);
  /// SHA-256 of every file that was written, by name.
  std::map<std::string, std::string> digests() const;

  /// Throws base::Error{Io, InvalidArgument}; then the old directory is still there. Returns in words what
  /// could not be cleaned up, as this program did not write it; "" mostly.
  std::string commit();

private:
  void putInPlaceOf(const std::vector<base::WrittenFile>& old);

  std::filesystem::path m_final;
  base::WorkDirectory m_work;
  std::filesystem::path m_staging;
};

/// Absolute, without links and without a trailing slash. Throws base::Error{InvalidArgument} where it is
/// empty.
std::filesystem::path normalOutput(const std::filesystem::path& path);

/// "X.writing" for X.
std::filesystem::path stagingBeside(const std::filesystem::path& path);
/// WorkDirectory::remove() for destructors: a failure leaves the rest to the next one that writes there.
void removeQuietly(base::WorkDirectory& work);

/// Throws base::Error{InvalidArgument} where `directory` is neither free nor empty nor an artifact with
/// nothing else in it: files that its nibblesmith.json does not list, or that were changed, are named. Names:
/// their contents are not read.
void checkReplaceable(const std::filesystem::path& directory, base::OwnedFiles::Check check,
                      const std::stop_token& stop);

} // namespace nibblesmith::exporting
