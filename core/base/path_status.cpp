// SPDX-License-Identifier: Apache-2.0
#include "base/path_status.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace nibblesmith::base {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> entriesOf(const fs::path& directory, std::error_code& failure) {
  std::vector<fs::path> entries;
  for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end;
       entry.increment(failure))
    entries.push_back(entry->path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

} // namespace

bool pathExists(const fs::path& path) noexcept {
  std::error_code failure;
  return fs::exists(path, failure);
}

bool isDirectory(const fs::path& path) noexcept {
  std::error_code failure;
  return fs::is_directory(path, failure);
}

bool isRegularFile(const fs::path& path) noexcept {
  std::error_code failure;
  return fs::is_regular_file(path, failure);
}

fs::path absolutePath(const fs::path& path) {
  if (path.empty())
    throw Error(ErrorCode::InvalidArgument,
                "Expected a path, found an empty one: name a file or a directory");
  std::error_code failure;
  const fs::path absolute = fs::absolute(path, failure);
  if (failure)
    throw Error(ErrorCode::Io, "'" + path.string() + "': expected a current directory, found none (" +
                                   failure.message() + "): change to a directory that exists");
  return absolute.lexically_normal();
}

std::vector<fs::path> directoryEntries(const fs::path& directory) {
  std::error_code failure;
  std::vector<fs::path> entries = entriesOf(directory, failure);
  if (failure)
    throw Error(failure.value() == ENOENT ? ErrorCode::NotFound : ErrorCode::Io,
                "'" + directory.string() + "': expected a directory that can be read, found: " +
                    failure.message() + "; check the path and its permissions");
  return entries;
}

std::vector<fs::path> readableEntries(const fs::path& directory) {
  std::error_code ignored;
  return entriesOf(directory, ignored);
}

} // namespace nibblesmith::base
