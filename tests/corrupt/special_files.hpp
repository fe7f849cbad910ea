// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "write_bytes.hpp"

#include <array>
#include <cstring>
#include <filesystem>
#include <string>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace nibblesmith::test {

/// Kinds of directory entries that are not regular files, or sparse files far larger than their disk usage.
enum class SpecialFile { NamedPipe, Directory, DeviceLink, EndlessDeviceLink, Socket, LinkLoop, SparseFile };

/// Kinds that are rejected as not regular. (The system itself rejects link loops.)
inline constexpr std::array kNotRegular = {SpecialFile::NamedPipe, SpecialFile::Directory,
                                           SpecialFile::DeviceLink, SpecialFile::EndlessDeviceLink,
                                           SpecialFile::Socket};

inline const char* nameOf(SpecialFile kind) {
  switch (kind) {
  case SpecialFile::NamedPipe:
    return "named pipe";
  case SpecialFile::Directory:
    return "directory";
  case SpecialFile::DeviceLink:
    return "link to a device";
  case SpecialFile::EndlessDeviceLink:
    return "link to an endless device";
  case SpecialFile::Socket:
    return "socket";
  case SpecialFile::LinkLoop:
    return "loop of links";
  case SpecialFile::SparseFile:
    return "sparse file";
  }
  return "";
}

/// Returns the kind's name in messages.
inline const char* kindOf(SpecialFile kind) {
  switch (kind) {
  case SpecialFile::NamedPipe:
    return "a named pipe";
  case SpecialFile::Directory:
    return "a directory";
  case SpecialFile::DeviceLink:
  case SpecialFile::EndlessDeviceLink:
    return "a device";
  case SpecialFile::Socket:
    return "a socket";
  default:
    return "";
  }
}

/// Size of the sparse file: above any limit for files that are read as a whole.
inline constexpr uint64_t kSparseBytes = uint64_t{8} << 30;

/// Creates the entry, replacing an existing one. Returns false if the file system does not support it.
inline bool makeSpecial(SpecialFile kind, const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code failure;
  fs::remove_all(path, failure);
  fs::create_directories(path.parent_path(), failure);
  switch (kind) {
  case SpecialFile::NamedPipe:
    return ::mkfifo(path.c_str(), 0600) == 0;
  case SpecialFile::Directory:
    return fs::create_directory(path, failure);
  case SpecialFile::DeviceLink:
    fs::create_symlink("/dev/null", path, failure);
    return !failure;
  case SpecialFile::EndlessDeviceLink:
    fs::create_symlink("/dev/zero", path, failure);
    return !failure;
  case SpecialFile::Socket: {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.string().size() >= sizeof(address.sun_path))
      return false;
    std::strcpy(address.sun_path, path.c_str());
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const bool bound = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(socket);
    return bound;
  }
  case SpecialFile::LinkLoop:
    fs::create_symlink(path.filename(), path, failure);
    return !failure;
  case SpecialFile::SparseFile:
    writeBytes(path, "");
    fs::resize_file(path, kSparseBytes, failure);
    return !failure;
  }
  return false;
}

} // namespace nibblesmith::test
