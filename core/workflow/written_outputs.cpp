// SPDX-License-Identifier: Apache-2.0
#include "workflow/written_outputs.hpp"

#include "base/error.hpp"
#include "base/path_status.hpp"
#include "experiments/experiment_log.hpp"
#include "export/artifact_ownership.hpp"
#include "workflow/identified_artifact.hpp"

#include <algorithm>
#include <vector>

#include <sys/stat.h>

namespace nibblesmith::workflow {

namespace {

namespace fs = std::filesystem;
using experiments::ExperimentLog;
using experiments::RunKind;

constexpr size_t kShownDigits = 12;

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

/// True if the directory's list of files has the files of this row. Rows of schema 1 have none to compare.
bool lists(const std::vector<base::WrittenFile>& listed, const experiments::ArtifactRow& row) {
  return std::all_of(row.files.begin(), row.files.end(), [&](const auto& entry) {
    return std::any_of(listed.begin(), listed.end(), [&](const base::WrittenFile& file) {
      return file.name == entry.first && file.sha256 == entry.second;
    });
  });
}

/// Returns the directory that a quantization wrote to; empty if the log stores it relative to a directory
/// that is not known any more.
fs::path outputOf(const experiments::RunRow& run) {
  const auto out = run.context.find("out");
  const fs::path path = out != run.context.end() && out->is_string() ? out->get<std::string>() : "";
  return path.is_absolute() ? resolved(path) : fs::path();
}

/// Checks that a quantization in the log wrote this artifact to this directory. A copy of an artifact has
/// the same files, but belongs to the user.
void requireWritten(const ExperimentLog& log, const fs::path& directory,
                    const std::vector<base::WrittenFile>& listed) {
  std::string reason = "no quantization in the experiment log wrote it";
  for (const experiments::RunRow& run : log.runs()) {
    const auto artifact = run.kind == RunKind::Quantize ? log.artifact(run.artifact) : std::nullopt;
    if (!artifact)
      continue;
    const fs::path out = outputOf(run);
    const bool isListed = lists(listed, *artifact);
    if (out == directory && isListed)
      return;
    if (out == directory)
      reason = "it holds other files than those that the quantization in the experiment log wrote";
    else if (isListed && !artifact->files.empty() && !out.empty())
      reason = "the quantization in the experiment log wrote to '" + out.string() +
               "', and this is a copy or was moved";
  }
  refuse(directory, reason);
}

[[noreturn]] void refuseOther(const fs::path& path, const std::string& expected, const ExperimentLog& log) {
  const auto id = log.artifactOfHash(expected);
  const auto row = id ? log.artifact(*id) : std::nullopt;
  throw base::Error(
      base::ErrorCode::Corrupt,
      "'" + path.string() +
          "' is not deleted: it holds other files than the row that you chose (expected sha256 " +
          expected.substr(0, kShownDigits) + (row ? ", '" + row->name + "'" : std::string()) +
          "). Choose the row of what is there now");
}

/// Checks that a directory holds the expected artifact. Compares the lists of files, so that an interrupted
/// deletion can be continued; rows of schema 1 have none, and their files are read.
void requireExpected(const ExperimentLog& log, const fs::path& directory,
                     const std::vector<base::WrittenFile>& listed, const std::string& expected,
                     const std::stop_token& stop) {
  const auto id = log.artifactOfHash(expected);
  const auto row = id ? log.artifact(*id) : std::nullopt;
  const bool isExpected = row && !row->files.empty()
                              ? lists(listed, *row)
                              : hasIdentity(*checkpoint::openCheckpoint(directory, stop), expected, stop);
  if (!isExpected)
    refuseOther(directory, expected, log);
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

DeletedFiles deleteFiles(const DeleteRequest& request, const Services& services,
                         const std::stop_token& stop) {
  const fs::path& artifact = request.artifact;
  if (services.log.empty())
    refuse(artifact, "there is no experiment log that says who wrote it");
  const ExperimentLog log(services.log, stop);
  const fs::path path = resolved(artifact);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0)
    base::throwErrno("delete", path.string());
  if (S_ISDIR(info.st_mode)) {
    const auto listed = exporting::listedFiles(path).value_or(std::vector<base::WrittenFile>());
    requireWritten(log, path, listed);
    if (!request.expectedHash.empty())
      requireExpected(log, path, listed, request.expectedHash, stop);
    return {artifact, exporting::removeArtifact(path, stop)};
  }
  auto exported = exportedFiles(log, path);
  if (exported.empty())
    refuse(artifact, "no export in the experiment log wrote it");
  if (!request.expectedHash.empty()) {
    std::erase_if(exported, [&](const auto& file) { return file.sha256 != request.expectedHash; });
    if (exported.empty())
      refuseOther(artifact, request.expectedHash, log);
  }
  if (!exporting::ownedFiles(exported).removeFile(path.parent_path(), path.filename().string(), stop))
    refuse(artifact, "it is not the file that was exported, or was changed since");
  return {artifact, {}};
}

} // namespace nibblesmith::workflow
