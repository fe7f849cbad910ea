// SPDX-License-Identifier: Apache-2.0
#include "export/artifact_files.hpp"

#include "base/budget.hpp"
#include "base/hash.hpp"
#include "base/input_file.hpp"
#include "export/provenance.hpp"
#include "export/tokenizer_files.hpp"

#include <algorithm>

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

/// Files that checkpoint and export look for, besides weights and tokenizer.
constexpr SideFile kOtherFiles[] = {{"config.json", kMaxJsonFileBytes},
                                    {"model.safetensors.index.json", kMaxJsonFileBytes},
                                    {"quant_config.json", kMaxJsonFileBytes},
                                    {"quantize_config.json", kMaxJsonFileBytes},
                                    {kProvenanceFile, kMaxJsonFileBytes}};

void addSideFiles(const fs::path& directory, std::span<const SideFile> sideFiles,
                  std::vector<fs::path>& files) {
  std::error_code ignored;
  for (const SideFile& file : sideFiles) {
    const fs::path path = directory / file.name;
    if (!fs::is_regular_file(path, ignored))
      continue;
    base::checkLimit(base::fileSize(path), file.maxBytes, "bytes", "'" + path.string() + "'");
    files.push_back(path);
  }
}

} // namespace

std::vector<fs::path> filesOf(const checkpoint::Checkpoint& checkpoint) {
  std::vector<fs::path> files;
  for (const auto& file : checkpoint.files)
    files.push_back(file->path());
  if (checkpoint.format == checkpoint::Format::HuggingFace) {
    addSideFiles(checkpoint.path, kOtherFiles, files);
    addSideFiles(checkpoint.path, tokenizerFiles(), files);
  }
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    return a.filename().string() < b.filename().string();
  });
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

ArtifactFiles identifyFiles(const checkpoint::Checkpoint& checkpoint,
                            const std::function<std::string(const fs::path&)>& digestOf) {
  ArtifactFiles artifact;
  for (const fs::path& file : filesOf(checkpoint))
    artifact.digests[file.filename().string()] = digestOf(file);
  if (checkpoint.format == checkpoint::Format::Gguf && artifact.digests.size() == 1) {
    artifact.sha256 = artifact.digests.begin()->second;
    return artifact;
  }
  base::Sha256 lines;
  for (const auto& [name, digest] : artifact.digests)
    lines.update(digest + "  " + name + "\n");
  artifact.sha256 = lines.hexDigest();
  return artifact;
}

std::string differingFiles(const std::map<std::string, std::string>& expected,
                           const std::map<std::string, std::string>& found) {
  constexpr size_t kMostNames = 3;
  std::map<std::string, std::string> all = expected;
  all.insert(found.begin(), found.end());
  std::vector<std::string> names;
  for (const auto& [name, digest] : all) {
    const auto before = expected.find(name), now = found.find(name);
    if (before == expected.end() || now == found.end() || before->second != now->second)
      names.push_back(name);
  }
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    const bool isLast = i + 1 == names.size();
    text += (i == 0 ? "" : isLast ? " and " : ", ") + names[i];
  }
  if (names.size() > kMostNames)
    text += " and " + std::to_string(names.size() - kMostNames) + " more";
  return text;
}

} // namespace nibblesmith::exporting
