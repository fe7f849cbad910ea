// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

namespace nibblesmith::base {

namespace {

std::filesystem::path userDirectory(const char* variable, const char* fallback) {
  if (const char* value = std::getenv(variable); value && *value)
    return std::filesystem::path(value) / "nibblesmith";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home && *home ? home : "/tmp") / fallback / "nibblesmith";
}

} // namespace

ScratchFile::ScratchFile(const std::filesystem::path& directory) : m_directory(directory) {
  m_file = ::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  if (m_file >= 0)
    return;
  // Fallback for file systems without O_TMPFILE.
  std::string name = (directory / "scratch-XXXXXX").string();
  m_file = ::mkostemp(name.data(), O_CLOEXEC);
  if (m_file < 0)
    throwErrno("create a temporary file in", directory.string());
  ::unlink(name.c_str());
}

ScratchFile::~ScratchFile() { ::close(m_file); }

void ScratchFile::write(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(m_file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      throwErrno("write a temporary file in", m_directory.string());
    offset += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void ScratchFile::read(uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pread(m_file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      throwErrno("read a temporary file in", m_directory.string());
    if (count == 0)
      throw Error(ErrorCode::Io, "temporary file in '" + m_directory.string() + "': expected " +
                                     std::to_string(bytes.size()) + " bytes at " + std::to_string(offset) +
                                     ", found its end");
    offset += static_cast<uint64_t>(count);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

std::filesystem::path dataDirectory() { return userDirectory("XDG_DATA_HOME", ".local/share"); }
std::filesystem::path cacheDirectory() { return userDirectory("XDG_CACHE_HOME", ".cache"); }

} // namespace nibblesmith::base
