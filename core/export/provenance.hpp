// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/artifact.hpp"

#include <map>

namespace nibblesmith::exporting {

inline constexpr const char* kProvenanceFile = "nibblesmith.json";

/// What nibblesmith.json says, schema version 1. Nothing in it depends on time, place or machine, so that the
/// same quantized model gives the same bytes. Hashes the source. digests: SHA-256 of all other files of the
/// artifact by name: what of the directory is this program's.
base::Json provenanceJson(const quantization::QuantizedModel& quantized,
                          const std::map<std::string, std::string>& digests, const std::stop_token& stop);

/// SHA-256 of each regular file of the directory but nibblesmith.json, by relative name.
std::map<std::string, std::string> fileHashes(const std::filesystem::path& directory,
                                              const std::stop_token& stop);

} // namespace nibblesmith::exporting
