// SPDX-License-Identifier: Apache-2.0
#include "base/file_lock.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/foreign_text.hpp"
#include "base/process_identity.hpp"

#include <array>
#include <cerrno>
#include <ctime>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nibblesmith::base {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPause{20};
constexpr std::string_view kBegin = "process "; ///< beginning of the text in a lock file

/// Returns true if the name still refers to the open file; the previous holder may have removed it.
bool isStillNamed(int file, int directory, const std::string& name) {
  struct stat open {};
  struct stat named {};
  return ::fstat(file, &open) == 0 && ::fstatat(directory, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

int openLockFile(int directory, const std::string& name, const fs::path& shownPath) {
  const int file = ::openat(directory, name.c_str(),
                            O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644);
  if (file < 0)
    throwErrno("lock", shownPath.string());
  struct stat info {};
  if (::fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(file);
    throw Error(ErrorCode::Io, "cannot lock '" + shownPath.string() + "': expected a regular file, found " +
                                   fileKind(info.st_mode));
  }
  return file;
}

/// Returns the text that the holder wrote right after it acquired the lock.
std::string holderOf(int file) {
  std::array<char, 1024> text{};
  for (int attempt = 0; attempt < 10; ++attempt) {
    const ssize_t size = ::pread(file, text.data(), text.size(), 0);
    if (size > 1)
      return foreignText({text.data(), static_cast<size_t>(size) - 1}, 400);
    std::this_thread::sleep_for(kPause);
  }
  return "another process";
}

/// Throws Error{InvalidArgument} unless the lock file is empty or names a holder: any other file is foreign
/// and stays unchanged.
void refuseForeign(int file, const fs::path& shownPath) {
  std::array<char, kBegin.size()> text{};
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  if (size < 0)
    throwErrno("read the lock file of", shownPath.string());
  if (size > 0 && std::string_view(text.data(), static_cast<size_t>(size)) != kBegin)
    throw Error(ErrorCode::InvalidArgument,
                "cannot lock '" + shownPath.string() +
                    "': expected a lock file of this program, found another file; move it away");
}

/// Returns true if the lock was acquired. Throws Error{Io} if locks do not work on this file system.
bool tryLock(int file, const fs::path& shownPath) {
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR)
      continue;
    if (errno == EWOULDBLOCK)
      return false;
    throwErrno("lock", shownPath.string());
  }
  return true;
}

/// Waits for the lock and returns the locked file.
int acquire(int directory, const std::string& name, const fs::path& shownPath,
            std::chrono::milliseconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  while (true) {
    const int file = openLockFile(directory, name, shownPath);
    try {
      if (tryLock(file, shownPath)) {
        refuseForeign(file, shownPath);
        if (isStillNamed(file, directory, name))
          return file;
      } else if (Clock::now() >= deadline) {
        throw Error(ErrorCode::Io, "'" + shownPath.string() + "' is in use by " + holderOf(file) +
                                       ": wait until that has ended, then try again");
      } else {
        std::this_thread::sleep_for(kPause);
      }
    } catch (...) {
      ::close(file);
      throw;
    }
    ::close(file);
  }
}

const fs::path& withParents(const fs::path& file) {
  std::error_code failure;
  if (file.has_parent_path())
    fs::create_directories(file.parent_path(), failure);
  if (failure)
    throw Error(ErrorCode::Io,
                "cannot create directory '" + file.parent_path().string() + "': " + failure.message());
  return file;
}

void writeHolder(int file, const std::string& what) {
  const std::string text = describeHolder(what) + "\n";
  if (::ftruncate(file, 0) == 0)
      // Only used in messages of other processes: a full disk does not break the lock.
      [[maybe_unused]]
    const ssize_t ignored = ::pwrite(file, text.data(), text.size(), 0);
}

} // namespace

std::string describeHolder(const std::string& what) {
  const ProcessIdentity process = thisProcess();
  std::array<char, 32> time{};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::strftime(time.data(), time.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  return std::string(kBegin) + std::to_string(process.pid) + " on host '" + process.host + "' since " +
         time.data() + " (" + foreignText(what, 200) + ")";
}

FileLock::FileLock(const fs::path& file, const std::string& what, std::chrono::milliseconds patience)
    : FileLock(AT_FDCWD, withParents(file).string(), file, what, patience) {}

FileLock::FileLock(int directory, const std::string& name, const fs::path& shownPath, const std::string& what,
                   std::chrono::milliseconds patience) {
  m_file = acquire(directory, name, shownPath, patience);
  writeHolder(m_file, what);
}

FileLock::~FileLock() {
  // Clears the holder's text.
  [[maybe_unused]] const int ignored = ::ftruncate(m_file, 0);
  ::close(m_file);
}

} // namespace nibblesmith::base
