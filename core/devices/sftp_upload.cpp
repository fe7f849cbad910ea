// SPDX-License-Identifier: Apache-2.0
#include "devices/ssh_session.hpp"

#include "base/input_file.hpp"
#include "base/units.hpp"
#include "devices/ssh_state.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <libssh/sftp.h>

namespace nibblesmith::devices {

namespace {

/// Packet sizes that every SFTP server accepts, and that OpenSSH's accepts. Each packet waits for its
/// acknowledgement, which makes larger ones faster over a slow network.
constexpr size_t kPlainChunk = 32 * 1024;
constexpr size_t kOpenSshChunk = 192 * 1024;
/// SSH_FX_NO_SPACE_ON_FILESYSTEM of later protocol versions; some servers of version 3 send it too.
constexpr int kNoSpace = 14;

struct FreeSftp {
  void operator()(sftp_session session) const { sftp_free(session); }
};
struct CloseFile {
  void operator()(sftp_file file) const { sftp_close(file); }
};
struct FreeAttributes {
  void operator()(sftp_attributes attributes) const { sftp_attributes_free(attributes); }
};
using SftpPtr = std::unique_ptr<sftp_session_struct, FreeSftp>;
using RemoteFile = std::unique_ptr<sftp_file_struct, CloseFile>;
using Attributes = std::unique_ptr<sftp_attributes_struct, FreeAttributes>;

std::string words(int code) {
  switch (code) {
  case SSH_FX_NO_SUCH_FILE:
  case SSH_FX_NO_SUCH_PATH:
    return "no such directory";
  case SSH_FX_PERMISSION_DENIED:
    return "permission denied";
  case SSH_FX_WRITE_PROTECT:
    return "the file system is read-only";
  case SSH_FX_OP_UNSUPPORTED:
    return "the device does not support it";
  case SSH_FX_CONNECTION_LOST:
  case SSH_FX_NO_CONNECTION:
    return "the connection was lost";
  default:
    return "the device reports a failure (SFTP code " + std::to_string(code) + ")";
  }
}

/// Returns the space available to the user in the directory's file system, if the server reports it.
std::optional<uint64_t> freeBytes(sftp_session sftp, const std::string& remote) {
  if (!sftp_extension_supported(sftp, "statvfs@openssh.com", "2"))
    return std::nullopt;
  const size_t slash = remote.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : remote.substr(0, std::max<size_t>(slash, 1));
  sftp_statvfs_t info = sftp_statvfs(sftp, directory.c_str());
  if (!info)
    return std::nullopt;
  const uint64_t bytes = info->f_bavail > UINT64_MAX / std::max<uint64_t>(info->f_frsize, 1)
                             ? UINT64_MAX
                             : info->f_bavail * info->f_frsize;
  sftp_statvfs_free(info);
  return bytes;
}

/// State of one upload, shared by its steps.
struct Upload {
  Connection& connection;
  const std::string& remote;
  const std::stop_token& stop;
  Watchdog watchdog;
  SftpPtr sftp;

  [[noreturn]] void fail(const std::string& action) {
    if (!ssh_is_connected(connection.session.get()) || watchdog.expired() || stop.stop_requested())
      throwFailed(connection, action + " '" + remote + "'", watchdog, stop);
    throw base::Error(base::ErrorCode::Io, connection.where + ": cannot " + action + " '" + remote +
                                               "': " + words(sftp_get_error(sftp.get())));
  }

  [[noreturn]] void failFull(uint64_t free, uint64_t needed) {
    throw base::Error(base::ErrorCode::Io, connection.where + ": cannot write '" + remote +
                                               "': the disk is full: " + base::formatBytes(needed) +
                                               " more needed, " + base::formatBytes(free) + " free");
  }

  [[noreturn]] void failWrite(uint64_t needed) {
    const int code = sftp_get_error(sftp.get());
    if (!ssh_is_connected(connection.session.get()) || watchdog.expired() || stop.stop_requested())
      fail("write");
    const std::optional<uint64_t> free = freeBytes(sftp.get(), remote);
    if (code == kNoSpace || (free && *free < needed))
      failFull(free.value_or(0), needed);
    // Servers of protocol version 3 only report "failure" when a disk or a quota is full.
    throw base::Error(base::ErrorCode::Io,
                      connection.where + ": cannot write '" + remote + "': " + words(code) +
                          (code == SSH_FX_FAILURE ? "; is a disk or quota full there?" : ""));
  }

  void open() {
    sftp.reset(sftp_new(connection.session.get()));
    if (!sftp || sftp_init(sftp.get()) != SSH_OK) {
      if (!ssh_is_connected(connection.session.get()) || watchdog.expired() || stop.stop_requested())
        throwFailed(connection, "start SFTP", watchdog, stop);
      throw base::Error(
          base::ErrorCode::NotSupported,
          connection.where +
              " offers no SFTP: expected an sftp-server on the device (package openssh-sftp-server)");
    }
    watchdog.touch();
  }

  /// Returns the size of the existing regular file; nullopt if there is none.
  std::optional<uint64_t> existing() {
    const Attributes attributes(sftp_lstat(sftp.get(), remote.c_str()));
    watchdog.touch();
    if (!attributes)
      return std::nullopt;
    if (attributes->type != SSH_FILEXFER_TYPE_REGULAR)
      throw base::Error(base::ErrorCode::Io,
                        connection.where + ": cannot write '" + remote +
                            "': expected a file or a new name, found something else; move it away");
    return attributes->size;
  }

  RemoteFile openAt(uint64_t begin, bool exists) {
    if (begin == 0 && exists && sftp_unlink(sftp.get(), remote.c_str()) != 0)
      fail("replace");
    RemoteFile file(
        sftp_open(sftp.get(), remote.c_str(), O_WRONLY | (begin == 0 ? O_CREAT | O_EXCL : 0), 0644));
    if (!file)
      fail("create");
    if (sftp_seek64(file.get(), begin) != 0)
      fail("write");
    watchdog.touch();
    return file;
  }
};

/// Minimum throughput of an upload: ends one with a device that accepts only a few bytes within each stall
/// limit.
class Pace {
public:
  Pace(const Upload& upload, const SessionLimits& limits) : m_upload(upload), m_limits(limits) {}

  void add(uint64_t bytes) {
    m_bytes += bytes;
    const auto now = std::chrono::steady_clock::now();
    if (now - m_begin < m_limits.uploadWindow)
      return;
    if (m_bytes < m_limits.uploadBytes)
      throw base::Error(
          base::ErrorCode::Io,
          m_upload.connection.where + ": the upload of '" + m_upload.remote + "' was given up: expected " +
              base::formatBytes(m_limits.uploadBytes) + " within " +
              base::formatDuration(std::chrono::duration<double>(m_limits.uploadWindow).count()) +
              ", found " + base::formatBytes(m_bytes));
    m_begin = now;
    m_bytes = 0;
  }

private:
  const Upload& m_upload;
  const SessionLimits& m_limits;
  std::chrono::steady_clock::time_point m_begin = std::chrono::steady_clock::now();
  uint64_t m_bytes = 0;
};

void copy(Upload& upload, const SessionLimits& limits, const base::InputFile& source, uint64_t begin,
          RemoteFile& file, base::Progress& progress, const std::string& stage) {
  const bool openSsh = sftp_extension_supported(upload.sftp.get(), "posix-rename@openssh.com", "1");
  std::vector<std::byte> buffer(openSsh ? kOpenSshChunk : kPlainChunk);
  Pace pace(upload, limits);
  uint64_t position = begin;
  while (position < source.size()) {
    base::throwIfStopped(upload.stop);
    const auto piece = std::span(buffer).first(std::min<uint64_t>(buffer.size(), source.size() - position));
    source.read(position, piece);
    const ssize_t written = sftp_write(file.get(), piece.data(), piece.size());
    if (written <= 0)
      upload.failWrite(source.size() - position);
    upload.watchdog.touch();
    position += static_cast<uint64_t>(written);
    pace.add(static_cast<uint64_t>(written));
    progress.report(static_cast<double>(position) / static_cast<double>(source.size()), stage);
  }
}

} // namespace

void SshSession::upload(const std::filesystem::path& local, const std::string& remote, bool resume,
                        const std::stop_token& stop, base::Progress& progress) {
  base::throwIfStopped(stop);
  const base::InputFile source(local);
  const std::string stage =
      "uploading " + local.filename().string() + " (" + base::formatBytes(source.size()) + ")";
  Connection& connection = m_state->connection;
  Upload upload{connection, remote, stop, Watchdog(connection.socket, stop, m_state->limits.stall), nullptr};
  upload.open();
  const std::optional<uint64_t> there = upload.existing();
  const uint64_t begin = resume && there && *there <= source.size() ? *there : 0;
  if (const auto free = freeBytes(upload.sftp.get(), remote); free && *free < source.size() - begin)
    upload.failFull(*free, source.size() - begin);
  RemoteFile file = upload.openAt(begin, there.has_value());
  copy(upload, m_state->limits, source, begin, file, progress, stage);
  if (sftp_close(file.release()) != SSH_OK)
    upload.failWrite(0);
  progress.report(1, stage);
}

} // namespace nibblesmith::devices
