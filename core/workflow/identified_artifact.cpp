// SPDX-License-Identifier: Apache-2.0
#include "workflow/identified_artifact.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/path_status.hpp"
#include "export/artifact.hpp"
#include "model/model.hpp"

#include <algorithm>
#include <set>

namespace nibblesmith::workflow {

namespace {

namespace fs = std::filesystem;
using experiments::ExperimentLog;

constexpr size_t kShownDigits = 12;

/// Returns "SmolLM2-135M" for .../SmolLM2-135M, .../SmolLM2-135M/model and .../SmolLM2-135M.gguf.
std::string nameOf(const fs::path& path) {
  static const std::set<std::string> kGeneric = {"model", "hf", "models", "checkpoint"};
  fs::path whole = base::absolutePath(path);
  if (!whole.has_filename())
    whole = whole.parent_path();
  if (base::isDirectory(whole) && kGeneric.contains(whole.filename().string()) &&
      whole.parent_path().has_filename())
    return whole.parent_path().filename().string();
  return base::isDirectory(whole) ? whole.filename().string() : whole.stem().string();
}

/// Digests of files; read from the log for files with unchanged stamps.
class Digests {
public:
  Digests(const IdentifiedArtifact& held, ExperimentLog* log, Verification verification,
          const std::stop_token& stop, base::Progress& progress)
      : m_held(held), m_log(log), m_verification(verification), m_stop(stop), m_progress(progress) {
    for (const auto& [file, stamp] : held.stamps)
      m_total += stamp.sizeBytes;
  }

  std::string of(const fs::path& file) {
    const base::FileStamp& stamp = m_held.stamps.at(file);
    const fs::path key = base::absolutePath(file);
    if (m_log && m_verification == Verification::ByStamp)
      if (const auto known = m_log->fileDigest(key, stamp.text())) {
        m_done += stamp.sizeBytes;
        return *known;
      }
    const bool isSettled = stamp.settled();
    const std::string stage = "checking " + file.filename().string();
    const std::string digest = base::sha256OfPath(file, m_stop, [&](uint64_t bytes) {
      m_done += bytes;
      m_progress.report(static_cast<double>(m_done) / static_cast<double>(std::max<uint64_t>(m_total, 1)),
                        stage);
    });
    if (m_log && isSettled && base::stampOf(file) == stamp)
      m_log->setFileDigest(key, stamp.text(), digest);
    return digest;
  }

private:
  const IdentifiedArtifact& m_held;
  ExperimentLog* m_log;
  Verification m_verification;
  const std::stop_token& m_stop;
  base::Progress& m_progress;
  uint64_t m_total = 0;
  uint64_t m_done = 0;
};

/// True if the artifact's files are still at the path of its row. Reads only files without a known digest.
bool isStillAtItsPath(const ExperimentLog& log, const experiments::ArtifactRow& row,
                      const std::stop_token& stop) {
  const fs::path path = row.path;
  const fs::path directory = base::isDirectory(path) ? path : path.parent_path();
  const bool isOneFile = directory != path && row.files.size() == 1; // may have been renamed
  return !row.files.empty() && std::all_of(row.files.begin(), row.files.end(), [&](const auto& entry) {
    const fs::path file = isOneFile ? path : directory / entry.first;
    if (!base::isRegularFile(file))
      return false;
    const auto known = log.fileDigest(file, base::stampOf(file).text());
    return (known ? *known : base::sha256OfPath(file, stop)) == entry.second;
  });
}

/// Returns the artifact's row; adds the artifact, its model and its recipe if they are new.
experiments::RowId record(ExperimentLog& log, const IdentifiedArtifact& held, const std::stop_token& stop) {
  const std::string path = base::absolutePath(held.path).string();
  if (const auto known = log.artifactOfHash(held.files.sha256)) {
    // A copy does not take the place of the files that the row stands for.
    if (const auto row = log.artifact(*known); row->path != path && !isStillAtItsPath(log, *row, stop))
      log.moveArtifact(*known, path);
    return *known;
  }
  const auto model = model::openModel(held.path);
  const model::ModelSummary summary = model::summarize(*model);
  // Baselines, provenance and logs of schema 1 use the hash of tensors and configuration.
  const std::string contents = checkpoint::contentHash(model->checkpoint(), stop);
  experiments::ModelRow source{nameOf(held.path),     held.path.string(), contents,
                               summary.config.family, summary.parameters, summary.weightBytes};
  experiments::ArtifactRow row;
  row.name = source.name;
  row.path = path;
  row.hash = held.files.sha256;
  row.format = summary.format;
  row.sizeBytes = summary.weightBytes;
  row.files = held.files.digests;
  if (const auto provenance = exporting::readProvenance(held.path)) {
    source.name = source.path = provenance->sourceName;
    source.hash = provenance->sourceHash;
    source.sizeBytes = provenance->sourceBytes;
    row.name = provenance->recipe.value("name", row.name);
    row.recipe = log.addRecipe(provenance->recipe);
  }
  row.model = log.addModel(source);
  return log.addArtifact(row, contents);
}

std::string shortHash(const std::string& hash) { return hash.substr(0, kShownDigits); }

/// Returns "sha256 0123456789ab ('RTN 4-bit g128')", with the name if the log has one.
std::string describe(const std::string& hash, const std::optional<experiments::ArtifactRow>& row) {
  return "sha256 " + shortHash(hash) + (row ? " ('" + row->name + "')" : std::string());
}

std::optional<experiments::ArtifactRow> rowOfHash(const ExperimentLog* log, const std::string& hash) {
  const auto id = log ? log->artifactOfHash(hash) : std::nullopt;
  return id ? log->artifact(*id) : std::nullopt;
}

/// True if the files have the expected identity. Rows of schema 1 store the hash of tensors and
/// configuration.
bool isExpected(const checkpoint::Checkpoint& checkpoint, const exporting::ArtifactFiles& found,
                const std::string& expected, const std::stop_token& stop) {
  return found.sha256 == expected || checkpoint::contentHash(checkpoint, stop) == expected;
}

[[noreturn]] void refuse(const IdentifiedArtifact& held, const std::string& expected,
                         const ExperimentLog* log) {
  const auto wanted = rowOfHash(log, expected), found = rowOfHash(log, held.files.sha256);
  std::string differing;
  if (wanted && !wanted->files.empty())
    differing = "; " + exporting::differingFiles(wanted->files, held.files.digests) + " changed";
  throw base::Error(
      base::ErrorCode::Corrupt,
      "'" + held.path.string() + "' holds other files than those that were measured: expected " +
          describe(expected, wanted) + ", found " + describe(held.files.sha256, found) + differing +
          ". Choose the row of what is there, or quantize again by the recipe of the row that "
          "you chose");
}

} // namespace

void IdentifiedArtifact::checkUnchanged(const std::stop_token& stop) const {
  for (const auto& [file, stamp] : stamps) {
    const auto digest = files.digests.find(file.filename().string());
    if (base::pathExists(file) && (base::stampOf(file) == stamp || digest == files.digests.end() ||
                                   base::sha256OfPath(file, stop) == digest->second))
      continue;
    throw base::Error(base::ErrorCode::Corrupt,
                      "'" + file.string() +
                          "' changed while it was used: the results belong to no artifact. "
                          "Let nothing write there, and start again");
  }
}

bool hasIdentity(const checkpoint::Checkpoint& checkpoint, const std::string& expectedHash,
                 const std::stop_token& stop) {
  const auto found = exporting::identifyFiles(
      checkpoint, [&](const fs::path& file) { return base::sha256OfPath(file, stop); });
  return isExpected(checkpoint, found, expectedHash, stop);
}

IdentifiedArtifact identifyArtifact(LoggedRun& run, const fs::path& path, const std::string& expectedHash,
                                    Verification verification, const std::stop_token& stop,
                                    base::Progress& progress) {
  const auto checkpoint = checkpoint::openCheckpoint(path);
  IdentifiedArtifact held;
  held.path = path;
  for (const fs::path& file : exporting::filesOf(*checkpoint))
    held.stamps[file] = base::stampOf(file);
  if (!run.log() && expectedHash.empty() && verification == Verification::ByStamp)
    return held;
  Digests digests(held, run.log(), verification, stop, progress);
  held.files = exporting::identifyFiles(*checkpoint, [&](const fs::path& file) { return digests.of(file); });
  if (!expectedHash.empty() && !isExpected(*checkpoint, held.files, expectedHash, stop))
    refuse(held, expectedHash, run.log());
  if (run.log()) {
    held.row = record(*run.log(), held, stop);
    run.artifact(held.row);
  }
  return held;
}

} // namespace nibblesmith::workflow
