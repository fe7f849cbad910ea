// SPDX-License-Identifier: Apache-2.0
#include "export/output_file.hpp"

#include "base/error.hpp"
#include "export/output_directory.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, const std::string& what) {
  throw base::Error(base::ErrorCode::InvalidArgument,
                    "'" + file.string() + "' " + what + "; choose another name, or move it away");
}

/// Returns the file with this name; empty if the name is free. Throws if it is not a regular file.
std::optional<base::WrittenFile> fileAt(const fs::path& file, const std::stop_token& stop) {
  struct stat info {};
  if (::lstat(file.c_str(), &info) != 0)
    return std::nullopt;
  if (!S_ISREG(info.st_mode))
    refuse(file, std::string("exists: expected a new name, or a file that this program wrote, found ") +
                     base::fileKind(info.st_mode));
  return base::WrittenFile{file.string(), static_cast<uint64_t>(info.st_size),
                           base::sha256OfPath(file, stop)};
}

std::optional<base::WrittenFile> replaceableAt(const fs::path& file, const FileTarget& target,
                                               const std::stop_token& stop) {
  auto found = fileAt(file, stop);
  if (found && (!target.mayReplace || !target.mayReplace(*found)))
    refuse(file, "exists, and nothing says that this program wrote it: it is not replaced");
  return found;
}

} // namespace

OutputFile::OutputFile(const FileTarget& target, const std::stop_token& stop)
    : m_final(normalOutput(target.path)), m_name(m_final.filename().string()),
      m_beforeNaming(target.beforeNaming), m_replaced(replaceableAt(m_final, target, stop)),
      m_work(stagingBeside(m_final), "writing '" + m_name + "'") {
  try {
    m_work.clear(stop);
  } catch (...) {
    removeQuietly(m_work);
    throw;
  }
}

OutputFile::~OutputFile() { removeQuietly(m_work); }

std::string OutputFile::commit(const std::stop_token& stop) {
  // The name may refer to another file by now.
  if (fileAt(m_final, stop) != m_replaced)
    refuse(m_final, "was changed by another program while it was to be replaced: it is kept");
  if (m_beforeNaming) {
    base::WrittenFile file = m_work.written().at(m_name);
    file.name = m_final.string();
    m_beforeNaming(file);
  }
  const unsigned noReplace = m_replaced ? 0 : RENAME_NOREPLACE;
  int failed = ::renameat2(AT_FDCWD, path().c_str(), AT_FDCWD, m_final.c_str(), noReplace);
  // Some file systems do not support the flag.
  if (failed != 0 && (errno == EINVAL || errno == ENOSYS) && !fileAt(m_final, {}))
    failed = ::rename(path().c_str(), m_final.c_str());
  if (failed != 0)
    base::throwErrno("rename onto", m_final.string());
  return base::describeKept(m_work.path(), m_work.remove());
}

} // namespace nibblesmith::exporting
