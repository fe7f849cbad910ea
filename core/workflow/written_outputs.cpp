// SPDX-License-Identifier: Apache-2.0
#include "workflow/written_outputs.hpp"

#include "base/error.hpp"
#include "base/path_status.hpp"
#include "experiments/experiment_log.hpp"
#include "export/artifact_ownership.hpp"

#include <algorithm>
#include <vector>

#include <sys/stat.h>

namespace nibblesmith::workflow {

namespace {

namespace fs = std::filesystem;
using experiments::ExperimentLog;
using experiments::RunKind;

[[noreturn]] void refuse(const fs::path& artifact, const std::string& reason) {
  throw base::Error(base::ErrorCode::InvalidArgument, "'" + artifact.string() +
                                                          "' is not deleted: " + reason +
                                                          "; delete it yourself if it is not needed");
}

/// Resolves the links of the parent directories; keeps the last component even if it is a link.
fs::path resolved(const fs::path& path) {
  const fs::path whole = base::absolutePath(path);
  const fs::path entry = whole.has_filename() ? whole : whole.parent_path();
  std::error_code failure;
  const fs::path parent = fs::weakly_canonical(entry.parent_path(), failure);
  return (failure ? entry.parent_path() : parent) / entry.filename();
}

/// True if a quantization in the log wrote to this directory.
bool wroteDirectory(const ExperimentLog& log, const fs::path& directory) {
  for (const experiments::RunRow& run : log.runs()) {
    const auto artifact = run.kind == RunKind::Quantize ? log.artifact(run.artifact) : std::nullopt;
    if (artifact && resolved(artifact->path) == directory)
      return true;
  }
  return false;
}

/// Returns the files that exports in the log wrote to this path.
std::vector<base::WrittenFile> exportedFiles(const ExperimentLog& log, const fs::path& path) {
  std::vector<base::WrittenFile> files;
  for (const experiments::ExportRow& row : log.exports())
    if (row.path == path.string())
      files.push_back({path.filename().string(), row.sizeBytes, row.sha256});
  return files;
}

} // namespace

bool wroteFile(const Services& services, const base::WrittenFile& file) {
  if (services.log.empty())
    return false;
  const auto files = exportedFiles(ExperimentLog(services.log), file.name);
  return std::any_of(files.begin(), files.end(), [&](const base::WrittenFile& written) {
    return written.sizeBytes == file.sizeBytes && written.sha256 == file.sha256;
  });
}

DeletedFiles deleteFiles(const fs::path& artifact, const Services& services, const std::stop_token& stop) {
  if (services.log.empty())
    refuse(artifact, "there is no experiment log that says who wrote it");
  const ExperimentLog log(services.log);
  const fs::path path = resolved(artifact);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0)
    base::throwErrno("delete", path.string());
  if (S_ISDIR(info.st_mode)) {
    if (!wroteDirectory(log, path))
      refuse(artifact, "no quantization in the experiment log wrote it");
    return {artifact, exporting::removeArtifact(path, stop)};
  }
  const auto exported = exportedFiles(log, path);
  if (exported.empty())
    refuse(artifact, "no export in the experiment log wrote it");
  if (!exporting::ownedFiles(exported).removeFile(path.parent_path(), path.filename().string(), stop))
    refuse(artifact, "it is not the file that was exported, or was changed since");
  return {artifact, {}};
}

} // namespace nibblesmith::workflow
