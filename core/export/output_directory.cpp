// SPDX-License-Identifier: Apache-2.0
#include "export/output_directory.hpp"

#include "base/error.hpp"
#include "base/path_status.hpp"
#include "export/artifact_ownership.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

/// Names below NAME.writing: the new artifact, and the replaced one if names cannot be exchanged.
constexpr const char* kStaging = "artifact";
constexpr const char* kReplaced = "replaced";

[[noreturn]] void refuse(const fs::path& directory, const std::string& what) {
  throw base::Error(base::ErrorCode::InvalidArgument, "'" + directory.string() + "' " + what);
}

bool isFree(const fs::path& directory) {
  std::error_code failure;
  return !fs::exists(fs::symlink_status(directory, failure)) ||
         (fs::is_directory(directory, failure) && fs::is_empty(directory, failure));
}

fs::path checkedTarget(const fs::path& directory, const std::stop_token& stop) {
  fs::path target = normalOutput(directory);
  checkReplaceable(target, base::OwnedFiles::Check::Contents, stop);
  return target;
}

} // namespace

void removeQuietly(base::WorkDirectory& work) {
  try {
    work.remove();
  } catch (const std::exception&) {
    // Leave the rest to the next writer.
  }
}

fs::path normalOutput(const fs::path& path) {
  if (path.empty())
    throw base::Error(base::ErrorCode::InvalidArgument, "output: expected a path, found none");
  std::error_code failure;
  fs::path whole = fs::weakly_canonical(base::absolutePath(path), failure);
  if (failure)
    throw base::Error(base::ErrorCode::Io, "cannot resolve '" + path.string() + "': " + failure.message());
  if (!whole.has_filename())
    whole = whole.parent_path();
  if (!whole.has_filename())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "output: expected a name, found '" + path.string() + "'");
  return whole;
}

fs::path stagingBeside(const fs::path& path) {
  fs::path staging = path;
  staging += ".writing";
  return staging;
}

void checkReplaceable(const fs::path& directory, base::OwnedFiles::Check check, const std::stop_token& stop) {
  if (isFree(directory))
    return;
  std::error_code failure;
  if (!fs::is_directory(directory, failure))
    refuse(directory, "exists and is no directory: expected a new or empty directory for the artifact");
  const auto files = listedFiles(directory);
  if (!files)
    refuse(directory,
           "exists and is no artifact: expected a new or empty directory, or an artifact to replace");
  if (const base::ForeignEntries foreign = ownedFiles(*files).foreign(directory, check, stop);
      !foreign.empty())
    refuse(directory,
           "is not replaced: it holds " + foreign.text() +
               ", which this program did not write, or which was changed since; move that away, or "
               "choose another directory");
}

OutputDirectory::OutputDirectory(const fs::path& directory, const std::stop_token& stop)
    : m_final(checkedTarget(directory, stop)),
      m_work(stagingBeside(m_final), "writing '" + m_final.filename().string() + "'"),
      m_staging(m_work.path() / kStaging) {
  try {
    m_work.clear(stop);
    m_work.makeDirectory(kStaging);
  } catch (...) {
    removeQuietly(m_work);
    throw;
  }
}

OutputDirectory::~OutputDirectory() { removeQuietly(m_work); }

std::map<std::string, std::string> OutputDirectory::digests() const {
  std::map<std::string, std::string> digests;
  const std::string prefix = std::string(kStaging) + "/";
  for (const auto& [name, file] : m_work.written())
    if (name.starts_with(prefix))
      digests[name.substr(prefix.size())] = file.sha256;
  return digests;
}

base::AtomicFile OutputDirectory::create(const std::string& name) {
  return m_work.create(std::string(kStaging) + "/" + name);
}

void OutputDirectory::write(const std::string& name, std::string_view text) {
  base::AtomicFile file = create(name);
  file.write(text);
  file.commit();
}

std::string OutputDirectory::commit() {
  checkReplaceable(m_final, base::OwnedFiles::Check::Names, {});
  const auto old = listedFiles(m_final);
  if (old)
    putInPlaceOf(*old);
  else if (::rename(m_staging.c_str(), m_final.c_str()) != 0)
    base::throwErrno("rename onto", m_final.string());
  return base::describeKept(m_work.path(), m_work.remove());
}

/// Exchanges the two names, so an artifact exists at every moment; the old one is removed under the other
/// name.
void OutputDirectory::putInPlaceOf(const std::vector<base::WrittenFile>& old) {
  const auto expectBelow = [&](const std::string& place) {
    for (const base::WrittenFile& file : old)
      m_work.expectFile({place + "/" + file.name, file.sizeBytes, file.sha256});
  };
  expectBelow(kStaging);
  if (::renameat2(AT_FDCWD, m_staging.c_str(), AT_FDCWD, m_final.c_str(), RENAME_EXCHANGE) == 0)
    return;
  // Some file systems cannot exchange names.
  if (errno != EINVAL && errno != ENOSYS)
    base::throwErrno("rename onto", m_final.string());
  expectBelow(kReplaced);
  m_work.expectDirectory(kReplaced);
  const fs::path aside = m_work.path() / kReplaced;
  if (::rename(m_final.c_str(), aside.c_str()) != 0)
    base::throwErrno("move away", m_final.string());
  if (::rename(m_staging.c_str(), m_final.c_str()) == 0)
    return;
  const int number = errno;
  ::rename(aside.c_str(), m_final.c_str());
  errno = number;
  base::throwErrno("rename onto", m_final.string());
}

} // namespace nibblesmith::exporting
