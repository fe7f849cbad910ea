// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace nibblesmith::exporting {

/// What an artifact is: the bytes of the files that it is read from, wherever they lie and whatever the
/// artifact is called. Files that no step reads (a README, notes, pictures) are not part of it.
struct ArtifactFiles {
  std::map<std::string, std::string> digests; ///< SHA-256 by file name
  /// The identity. Of one GGUF file: its SHA-256, as `sha256sum` prints it. Of a directory or of shards: the
  /// SHA-256 of the lines "<digest>  <name>\n" in the order of the names' bytes, which is
  /// `LC_ALL=C sha256sum FILES | sha256sum`.
  std::string sha256;
};

/// Paths of the files that the checkpoint, its tokenizer and its provenance are read from, in the order of
/// their names: the GGUF file with its shards; or of a directory the weights, the configurations, the
/// tokenizer's files and nibblesmith.json.
std::vector<std::filesystem::path> filesOf(const checkpoint::Checkpoint& checkpoint);

/// Reads nothing itself: digestOf returns the SHA-256 of a file of filesOf().
ArtifactFiles identifyFiles(const checkpoint::Checkpoint& checkpoint,
                            const std::function<std::string(const std::filesystem::path&)>& digestOf);

/// Names of the files that differ between two artifacts, are missing, or are new: "model.safetensors and
/// nibblesmith.json"; at most three names, and how many more there are. Empty: none.
std::string differingFiles(const std::map<std::string, std::string>& expected,
                           const std::map<std::string, std::string>& found);

} // namespace nibblesmith::exporting
