// SPDX-License-Identifier: Apache-2.0
#include "export/artifact_ownership.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "export/provenance.hpp"

#include <unistd.h>

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxBytes = uint64_t{64} << 20;

/// Returns the size; 0 for anything but a regular file.
uint64_t sizeOf(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(fs::symlink_status(path, ignored)) ? base::fileSize(path) : 0;
}

} // namespace

std::optional<std::vector<base::WrittenFile>> listedFiles(const fs::path& artifact) {
  const fs::path path = artifact / kProvenanceFile;
  std::error_code ignored;
  if (!fs::is_regular_file(fs::symlink_status(path, ignored)))
    return std::nullopt;
  std::vector<base::WrittenFile> files;
  try {
    const std::string text = base::readTextFile(path, kMaxBytes);
    const base::Json json = base::parseJson(text, path.string());
    const auto isText = [&](const char* key, const char* value) {
      return json.contains(key) && json.at(key) == value;
    };
    if (!json.is_object() || !isText("kind", "artifact") || !json.contains("files") ||
        !json.at("files").is_object())
      return std::nullopt;
    for (const auto& [name, digest] : json.at("files").items()) {
      if (digest.is_string())
        files.push_back({name, sizeOf(artifact / name), digest.get<std::string>()});
    }
    files.push_back({kProvenanceFile, text.size(), base::sha256(text)});
  } catch (const base::Error&) {
    return std::nullopt; // damaged: the owner of the files is unknown
  }
  return files;
}

base::ForeignEntries removeArtifact(const fs::path& artifact, const std::stop_token& stop) {
  const auto files = listedFiles(artifact);
  if (!files)
    throw base::Error(
        base::ErrorCode::InvalidArgument,
        "'" + artifact.string() +
            "' is not deleted: expected a directory with the nibblesmith.json of an artifact, which "
            "lists its files; delete it yourself if it is not needed");
  std::error_code ignored;
  if (!fs::is_directory(fs::symlink_status(artifact, ignored)))
    throw base::Error(base::ErrorCode::InvalidArgument, "'" + artifact.string() +
                                                            "' is not deleted: expected a directory, found "
                                                            "something else; delete it yourself");
  // Remove the list last, so an interrupted deletion can be continued.
  base::OwnedFiles list = ownedFiles({files->begin(), files->end() - 1});
  list.exclude(kProvenanceFile);
  base::ForeignEntries kept = list.remove(artifact, stop);
  if (!ownedFiles({files->back()}).removeFile(artifact, kProvenanceFile, stop))
    kept.add(kProvenanceFile);
  if (kept.empty())
    ::rmdir(artifact.c_str());
  return kept;
}

base::OwnedFiles ownedFiles(const std::vector<base::WrittenFile>& files) {
  base::OwnedFiles list;
  for (const base::WrittenFile& file : files)
    list.add(file);
  return list;
}

} // namespace nibblesmith::exporting
