// SPDX-License-Identifier: Apache-2.0
#include "export/output_check.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "export/artifact.hpp"
#include "export/output_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

/// Longest ending of the temporary names beside an output.
constexpr const char* kLongestSuffix = ".partial.writing";

[[noreturn]] void refuse(const fs::path& path, const std::string& what) {
  throw base::Error(base::ErrorCode::InvalidArgument, "'" + path.string() + "' " + what);
}

/// Returns "the artifact 'RTN 4-bit g128'", or less if its provenance cannot be read.
std::string describeArtifact(const fs::path& directory) {
  try {
    if (const auto provenance = readProvenance(directory))
      if (const std::string name = provenance->recipe.value("name", ""); !name.empty())
        return "the artifact '" + name + "'";
  } catch (const base::Error&) {
  } catch (const base::Json::exception&) {
  }
  return "an artifact";
}

fs::path nearestExisting(const fs::path& path) {
  std::error_code ignored;
  fs::path parent = path.parent_path();
  while (!fs::exists(parent, ignored) && parent.has_relative_path())
    parent = parent.parent_path();
  return parent;
}

} // namespace

void checkArtifactOutput(const fs::path& directory, bool replace) {
  const fs::path target = normalOutput(directory);
  std::error_code failure;
  if (!fs::exists(fs::symlink_status(target, failure)))
    return;
  checkReplaceable(target, base::OwnedFiles::Check::Names, {});
  if (!replace && !fs::is_empty(target, failure))
    refuse(target, "holds " + describeArtifact(target) +
                       " already: choose another directory, or replace it with --replace");
}

void checkFileOutput(const fs::path& file, bool replace) {
  const fs::path target = normalOutput(file);
  struct stat info {};
  if (::lstat(target.c_str(), &info) != 0)
    return;
  if (!S_ISREG(info.st_mode))
    refuse(target, std::string("is ") + base::fileKind(info.st_mode) +
                       ": expected a new name, or a file that this program wrote; choose another name");
  if (!replace)
    refuse(target, "exists already: choose another name, or replace it with --replace");
}

void checkWritablePlace(const fs::path& path) {
  const fs::path target = normalOutput(path);
  struct stat info {};
  if (::lstat((target.string() + kLongestSuffix).c_str(), &info) != 0 && errno == ENAMETOOLONG)
    refuse(target, "cannot be made: expected a shorter name or path, found a name of " +
                       std::to_string(target.filename().native().size()) + " bytes; choose a shorter one");
  const fs::path parent = nearestExisting(target);
  std::string probe = (parent / ".nibblesmith-check-XXXXXX").string();
  if (!::mkdtemp(probe.data()))
    throw base::Error(base::ErrorCode::Io, "'" + target.string() + "' cannot be made, as '" +
                                               parent.string() + "' cannot be written to (" +
                                               std::generic_category().message(errno) +
                                               "): choose another place, or change its permissions");
  ::rmdir(probe.c_str());
}

void checkSpace(const fs::path& path, uint64_t bytes, const std::string& what) {
  const fs::path parent = nearestExisting(normalOutput(path));
  std::error_code failure;
  const fs::space_info space = fs::space(parent, failure);
  if (failure || space.available >= bytes)
    return;
  throw base::Error(base::ErrorCode::Io, "'" + parent.string() + "' has too little space: expected " +
                                             base::formatBytes(bytes) + " for " + what + ", found " +
                                             base::formatBytes(space.available) +
                                             " free: free some, or choose another place");
}

} // namespace nibblesmith::exporting
