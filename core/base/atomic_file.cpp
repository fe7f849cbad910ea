// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.hpp"

#include "base/error.hpp"
#include "base/random_id.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nibblesmith::base {

namespace {

namespace fs = std::filesystem;

/// Returns the path with symbolic links resolved. Throws Error{InvalidArgument} for a dangling link.
fs::path resolveLinks(const fs::path& path) {
  std::error_code failure;
  if (!fs::is_symlink(fs::symlink_status(path, failure)))
    return path;
  fs::path target = fs::canonical(path, failure);
  if (failure)
    throw Error(ErrorCode::InvalidArgument,
                "cannot write '" + path.string() +
                    "': expected a regular file or a new name, found a symbolic link to nothing");
  return target;
}

int openParent(const fs::path& path) {
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code failure;
  fs::create_directories(parent, failure);
  if (failure)
    throw Error(ErrorCode::Io, "cannot create directory '" + parent.string() + "': " + failure.message());
  const int directory = ::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    throwErrno("open directory", parent.string());
  return directory;
}

} // namespace

const char* fileKind(unsigned mode) {
  if (S_ISREG(mode))
    return "a regular file";
  if (S_ISDIR(mode))
    return "a directory";
  if (S_ISLNK(mode))
    return "a symbolic link";
  if (S_ISFIFO(mode))
    return "a named pipe";
  if (S_ISSOCK(mode))
    return "a socket";
  return "a device";
}

AtomicFile::AtomicFile(const fs::path& path) : m_path(resolveLinks(path)) {
  m_name = m_path.filename().string();
  m_temporary = ".nibblesmith-" + randomId();
  m_ownDirectory = openParent(m_path);
  m_directory = m_ownDirectory;
  try {
    create();
  } catch (...) {
    ::close(m_ownDirectory);
    throw;
  }
}

AtomicFile::AtomicFile(int directory, std::string name, std::string temporaryName, fs::path shownPath,
                       BeforeRename beforeNaming)
    : m_path(std::move(shownPath)), m_name(std::move(name)), m_temporary(std::move(temporaryName)),
      m_beforeNaming(std::move(beforeNaming)), m_directory(directory) {
  m_digest.emplace();
  create();
}

AtomicFile::~AtomicFile() {
  if (m_file >= 0)
    ::close(m_file);
  if (!m_named)
    ::unlinkat(m_directory, m_temporary.c_str(), 0);
  if (m_ownDirectory >= 0)
    ::close(m_ownDirectory);
}

void AtomicFile::checkTarget() const {
  struct stat info {};
  if (::fstatat(m_directory, m_name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(info.st_mode))
    throw Error(ErrorCode::InvalidArgument, "cannot write '" + m_path.string() +
                                                "': expected a regular file or a new name, found " +
                                                fileKind(info.st_mode) + "; choose another name");
}

void AtomicFile::create() {
  checkTarget();
  m_file =
      ::openat(m_directory, m_temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (m_file < 0)
    throwErrno("write", m_path.string());
  // Keep the permissions of the replaced file, so a private file stays private.
  struct stat info {};
  if (::fstatat(m_directory, m_name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
    ::fchmod(m_file, info.st_mode & 0777);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (m_digest)
    m_digest->update(bytes);
  while (!bytes.empty()) {
    const ssize_t written = ::write(m_file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      throwErrno("write", m_path.string());
    m_position += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  struct stat info {};
  if (::fsync(m_file) != 0 || ::fstat(m_file, &info) != 0)
    throwErrno("write", m_path.string());
  ::close(std::exchange(m_file, -1));
  checkTarget();
  if (m_beforeNaming)
    m_beforeNaming(info, m_digest->hexDigest());
  if (::renameat(m_directory, m_temporary.c_str(), m_directory, m_name.c_str()) != 0)
    throwErrno("rename onto", m_path.string());
  m_named = true;
}

void writeFileAtomically(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

} // namespace nibblesmith::base
