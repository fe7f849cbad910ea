// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace nibblesmith::devices {

inline constexpr const char* kModelFile = "model.gguf";
inline constexpr const char* kRunnerFile = "nsmith-runner";
inline constexpr const char* kManifestFile = "manifest.json";

/// Files of one version on a device; stored as manifest.json, schema 1. A directory on the device belongs to
/// this program if it contains such a manifest. Only the two files that the manifest lists, with these sizes,
/// belong to this program.
struct Manifest {
  struct File {
    std::string sha256;
    uint64_t sizeBytes = 0;
  };
  File model;
  File runner;

  /// Returns the first 12 hexadecimal digits of the digest over both files.
  std::string version() const;
  std::string text() const;
};

/// Parses a manifest. Returns nullopt if the text is not one: wrong fields, invalid digests, or a version
/// that does not match the digests.
std::optional<Manifest> parseManifest(const std::string& text);

/// True if the text has the form of a SHA-256: 64 lower-case hexadecimal digits.
bool isDigest(std::string_view text);

} // namespace nibblesmith::devices
