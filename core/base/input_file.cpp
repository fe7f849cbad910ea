// SPDX-License-Identifier: Apache-2.0
#include "base/input_file.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nibblesmith::base {

namespace {

namespace fs = std::filesystem;

// Small enough to react to a stop within milliseconds even on a slow disk.
constexpr size_t kPiece = size_t{4} << 20;

const char* kindOf(mode_t mode) {
  if (S_ISDIR(mode))
    return "a directory";
  if (S_ISFIFO(mode))
    return "a named pipe";
  if (S_ISCHR(mode) || S_ISBLK(mode))
    return "a device";
  return S_ISSOCK(mode) ? "a socket" : "something else";
}

void requireRegular(const struct stat& info, const fs::path& path) {
  if (!S_ISREG(info.st_mode))
    throw Error(ErrorCode::Io, "cannot read '" + path.string() + "': expected a regular file, found " +
                                   kindOf(info.st_mode));
}

/// Reads until `bytes` is full or the file ends. Returns the number of bytes read, or -1 and sets errno.
ssize_t readFully(int file, std::span<std::byte> bytes, uint64_t offset) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::pread(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return -1;
    if (count == 0)
      break;
    done += static_cast<size_t>(count);
  }
  return static_cast<ssize_t>(done);
}

/// Returns true if `target` is a blob of the Hugging Face cache that contains the snapshot `directory`.
bool isBlobOf(const fs::path& directory, const fs::path& target) {
  for (fs::path at = directory; at.has_relative_path(); at = at.parent_path())
    if (at.parent_path().filename() == "snapshots")
      return target.parent_path() == at.parent_path().parent_path() / "blobs";
  return false;
}

bool isInside(const fs::path& directory, const fs::path& target) {
  const auto [rest, ignored] =
      std::mismatch(directory.begin(), directory.end(), target.begin(), target.end());
  return rest == directory.end();
}

} // namespace

InputFile::InputFile(const fs::path& path) : InputFile(path, path, Links::Follow) {}

InputFile::InputFile(const fs::path& path, const fs::path& shownPath, Links links) : m_path(shownPath) {
  struct stat info {};
  // Check the name first: even opening a device may have side effects.
  if (::stat(path.c_str(), &info) != 0)
    throwErrno("open", m_path.string());
  requireRegular(info, m_path);
  const int noLinks = links == Links::Refuse ? O_NOFOLLOW : 0;
  m_file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | noLinks);
  if (m_file < 0)
    throwErrno("open", m_path.string());
  // The name may refer to another file by now.
  if (::fstat(m_file, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(m_file);
    throw Error(ErrorCode::Io, "cannot read '" + m_path.string() + "': it changed while it was opened");
  }
  m_size = static_cast<uint64_t>(info.st_size);
  m_written = info.st_mtim;
}

InputFile::InputFile(InputFile&& other) noexcept
    : m_path(std::move(other.m_path)), m_file(std::exchange(other.m_file, -1)), m_size(other.m_size),
      m_written(other.m_written) {}

InputFile::~InputFile() {
  if (m_file >= 0)
    ::close(m_file);
}

void InputFile::read(uint64_t offset, std::span<std::byte> bytes) const {
  const ssize_t count = readFully(m_file, bytes, offset);
  if (count < 0)
    throwErrno("read", m_path.string());
  if (static_cast<size_t>(count) < bytes.size())
    throw Error(ErrorCode::Io, "cannot read '" + m_path.string() + "': expected " +
                                   std::to_string(bytes.size()) + " bytes at " + std::to_string(offset) +
                                   ", found " + std::to_string(count) + " (cut short while it was read?)");
}

std::string InputFile::text(uint64_t maxBytes, const std::stop_token& stop) const {
  if (m_size > maxBytes)
    throw Error(ErrorCode::InvalidArgument, "'" + m_path.string() + "' has " + std::to_string(m_size) +
                                                " bytes: expected at most " + std::to_string(maxBytes));
  std::string text;
  try {
    text.resize(m_size);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::OutOfMemory, "'" + m_path.string() + "' has " + std::to_string(m_size) +
                                            " bytes: expected as much free memory, found less");
  }
  const std::span<std::byte> bytes = std::as_writable_bytes(std::span(text));
  for (size_t at = 0; at < bytes.size(); at += kPiece) {
    throwIfStopped(stop);
    read(at, bytes.subspan(at, std::min(kPiece, bytes.size() - at)));
  }
  return text;
}

void InputFile::requireUnchanged() const {
  struct stat now {};
  if (::fstat(m_file, &now) != 0)
    throwErrno("read", m_path.string());
  const auto size = static_cast<uint64_t>(now.st_size);
  if (size != m_size)
    throw Error(ErrorCode::Io, "'" + m_path.string() + "' changed while it was read: expected " +
                                   std::to_string(m_size) + " bytes, found " + std::to_string(size) +
                                   "; start again when the file is complete");
  if (now.st_mtim.tv_sec != m_written.tv_sec || now.st_mtim.tv_nsec != m_written.tv_nsec)
    throw Error(ErrorCode::Io,
                "'" + m_path.string() +
                    "' changed while it was read: another program wrote to it; start again when "
                    "the file is complete");
}

InputFile openWithin(const fs::path& directory, const fs::path& name) {
  const fs::path path = directory / name;
  std::error_code failure;
  const fs::path home = fs::canonical(directory, failure);
  const fs::path target = failure ? fs::path() : fs::canonical(path, failure);
  if (failure)
    throw Error(failure == std::errc::no_such_file_or_directory ? ErrorCode::NotFound : ErrorCode::Io,
                "cannot open '" + path.string() + "': " + failure.message());
  if (!isInside(home, target) && !isBlobOf(home, target))
    throw Error(
        ErrorCode::Io,
        "'" + path.string() + "' is a symbolic link to '" + target.string() +
            "': expected a file inside the model's directory, since its bytes go into the artifact; if "
            "it belongs to the model, put a copy in place of the link");
  return InputFile(target, path, InputFile::Links::Refuse);
}

std::string readTextFile(const fs::path& path, uint64_t maxBytes, const std::stop_token& stop) {
  return InputFile(path).text(maxBytes, stop);
}

uint64_t fileSize(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    throwErrno("read the size of", path.string());
  requireRegular(info, path);
  return static_cast<uint64_t>(info.st_size);
}

bool fileExists(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    requireRegular(info, path);
    return true;
  }
  if (errno != ENOENT && errno != ENOTDIR)
    throwErrno("open", path.string());
  return false;
}

std::string readSystemFile(const fs::path& path, size_t maxBytes) {
  struct stat info {};
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0)
    return {};
  std::string text;
  if (::fstat(file, &info) == 0 && S_ISREG(info.st_mode)) {
    text.resize(maxBytes);
    const ssize_t count = readFully(file, std::as_writable_bytes(std::span(text)), 0);
    text.resize(count < 0 ? 0 : static_cast<size_t>(count));
  }
  ::close(file);
  return text;
}

bool writeSystemFile(const fs::path& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0)
    return false;
  const bool done = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  return done;
}

} // namespace nibblesmith::base
