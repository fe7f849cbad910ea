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

/// What one version on a device is made of; its manifest.json, schema 1. A directory on the device is this
/// program's where it holds such a manifest, and of it the two files that the manifest lists, with these
/// sizes.
struct Manifest {
  struct File {
    std::string sha256;
    uint64_t sizeBytes = 0;
  };
  File model;
  File runner;

  /// 12 digits of the digest of both.
  std::string version() const;
  std::string text() const;
};

/// Nothing where the text is no manifest: wrong fields, no digests, or a version that is not theirs.
std::optional<Manifest> parseManifest(const std::string& text);

/// 64 lower-case hexadecimal digits.
bool isDigest(std::string_view text);

} // namespace nibblesmith::devices
