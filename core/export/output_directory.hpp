// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>

namespace nibblesmith::exporting {

/// A directory that is filled under another name beside it and takes its own with commit(). Uncommitted, it
/// is removed. One thread.
class OutputDirectory {
public:
  /// mayReplace tells whether an existing non-empty directory is one that may be replaced.
  /// Throws base::Error{InvalidArgument} where something else is there already, {Io}.
  OutputDirectory(const std::filesystem::path& directory,
                  const std::function<bool(const std::filesystem::path&)>& mayReplace);
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  /// Where to write until commit().
  const std::filesystem::path& path() const { return m_temporary; }
  /// Throws base::Error{Io}; then the old directory is still there.
  void commit();

private:
  std::filesystem::path m_final;
  std::filesystem::path m_temporary;
};

/// A file name beside `path` for this process's unfinished work, with the same extension. Files and
/// directories that killed processes left under such names are removed.
std::filesystem::path temporaryBeside(const std::filesystem::path& path);

/// Absolute, without links and without a trailing slash. Throws base::Error{InvalidArgument} where it is
/// empty.
std::filesystem::path normalOutput(const std::filesystem::path& path);

} // namespace nibblesmith::exporting
