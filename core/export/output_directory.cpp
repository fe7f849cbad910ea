// SPDX-License-Identifier: Apache-2.0
#include "export/output_directory.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <string>

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = ".writing-";

/// The process id in "<stem>.writing-<pid><extension>"; 0 where the name is another.
pid_t ownerOf(const std::string& name, const std::string& stem, const std::string& extension) {
  if (!name.starts_with(stem) || !name.ends_with(extension) ||
      name.size() <= stem.size() + kMark.size() + extension.size() ||
      name.compare(stem.size(), kMark.size(), kMark) != 0)
    return 0;
  pid_t pid = 0;
  const char* begin = name.data() + stem.size() + kMark.size();
  const char* end = name.data() + name.size() - extension.size();
  const auto parsed = std::from_chars(begin, end, pid);
  return parsed.ec == std::errc() && parsed.ptr == end && pid > 0 ? pid : 0;
}

void removeLeftovers(const fs::path& parent, const std::string& stem, const std::string& extension) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const pid_t pid = ownerOf(entry.path().filename().string(), stem, extension);
    if (pid > 0 && pid != ::getpid() && ::kill(pid, 0) != 0 && errno == ESRCH)
      fs::remove_all(entry.path(), ignored);
  }
}

void createDirectories(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure)
    throw base::Error(base::ErrorCode::Io,
                      "cannot create directory '" + path.string() + "': " + failure.message());
}

} // namespace

fs::path normalOutput(const fs::path& path) {
  if (path.empty())
    throw base::Error(base::ErrorCode::InvalidArgument, "output: expected a path, found none");
  std::error_code failure;
  fs::path whole = fs::weakly_canonical(fs::absolute(path), failure);
  if (failure)
    throw base::Error(base::ErrorCode::Io, "cannot resolve '" + path.string() + "': " + failure.message());
  if (!whole.has_filename())
    whole = whole.parent_path();
  if (!whole.has_filename())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "output: expected a name, found '" + path.string() + "'");
  return whole;
}

fs::path temporaryBeside(const fs::path& path) {
  const std::string extension = path.extension().string();
  const std::string stem = path.stem().string();
  removeLeftovers(path.parent_path(), stem, extension);
  return path.parent_path() / (stem + std::string(kMark) + std::to_string(::getpid()) + extension);
}

OutputDirectory::OutputDirectory(const fs::path& directory,
                                 const std::function<bool(const fs::path&)>& mayReplace)
    : m_final(normalOutput(directory)) {
  std::error_code failure;
  if (fs::exists(m_final, failure) &&
      (!fs::is_directory(m_final, failure) || (!fs::is_empty(m_final, failure) && !mayReplace(m_final))))
    throw base::Error(
        base::ErrorCode::InvalidArgument,
        "'" + m_final.string() +
            "' exists and is no artifact: expected a new or empty directory, or an artifact to replace");
  createDirectories(m_final.parent_path());
  m_temporary = temporaryBeside(m_final);
  fs::remove_all(m_temporary, failure);
  createDirectories(m_temporary);
}

OutputDirectory::~OutputDirectory() {
  std::error_code ignored;
  if (!m_temporary.empty())
    fs::remove_all(m_temporary, ignored);
}

void OutputDirectory::commit() {
  std::error_code ignored;
  // Swapping the two names leaves no moment without an artifact; what was there goes away with the other
  // name.
  if (fs::exists(m_final, ignored)) {
    if (::renameat2(AT_FDCWD, m_temporary.c_str(), AT_FDCWD, m_final.c_str(), RENAME_EXCHANGE) == 0)
      return;
    // Not every file system can swap.
    if (errno != EINVAL && errno != ENOSYS)
      base::throwErrno("rename onto", m_final.string());
    fs::remove_all(m_final, ignored);
  }
  if (::rename(m_temporary.c_str(), m_final.c_str()) != 0)
    base::throwErrno("rename onto", m_final.string());
  m_temporary.clear();
}

} // namespace nibblesmith::exporting
