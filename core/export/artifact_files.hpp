// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace nibblesmith::exporting {

/// Identity of an artifact: the bytes of the files that it is loaded from, independent of location and name.
/// Other files (a README, notes, pictures) are not part of it.
struct ArtifactFiles {
  std::map<std::string, std::string> digests; ///< SHA-256, keyed by file name
  /// For one GGUF file: its SHA-256, equal to `sha256sum`. For a directory or shards: the SHA-256 of the
  /// lines "<digest>  <name>\n" sorted by name in byte order, equal to `LC_ALL=C sha256sum FILES |
  /// sha256sum`.
  std::string sha256;
};

/// Returns the files that checkpoint, tokenizer and provenance are loaded from, sorted by name: the GGUF file
/// with its shards, or the weights, configurations, tokenizer files and nibblesmith.json of a directory.
/// Throws base::Error{NotSupported} for a file that is larger than its reader accepts, before anything is
/// read.
std::vector<std::filesystem::path> filesOf(const checkpoint::Checkpoint& checkpoint);

/// Identifies an artifact. digestOf: returns the SHA-256 of a file of filesOf(); no other file is read.
ArtifactFiles identifyFiles(const checkpoint::Checkpoint& checkpoint,
                            const std::function<std::string(const std::filesystem::path&)>& digestOf);

/// Names the files that are changed, missing or new: "model.safetensors and nibblesmith.json". At most three
/// names and the number of others; empty if there are none.
std::string differingFiles(const std::map<std::string, std::string>& expected,
                           const std::map<std::string, std::string>& found);

} // namespace nibblesmith::exporting
