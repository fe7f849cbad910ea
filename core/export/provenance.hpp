// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/artifact.hpp"

#include <map>

namespace nibblesmith::exporting {

inline constexpr const char* kProvenanceFile = "nibblesmith.json";

/// Returns the content of nibblesmith.json, schema version 1. It does not depend on time, place or machine,
/// so equal quantized models give equal bytes. Hashes the source. digests: SHA-256 of all other files of the
/// artifact, keyed by name: the files that this program owns.
base::Json provenanceJson(const quantization::QuantizedModel& quantized,
                          const std::map<std::string, std::string>& digests, const std::stop_token& stop);

/// Returns the SHA-256 of each regular file of the directory except nibblesmith.json, keyed by relative name.
std::map<std::string, std::string> fileHashes(const std::filesystem::path& directory,
                                              const std::stop_token& stop);

} // namespace nibblesmith::exporting
