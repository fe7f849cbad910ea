// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace nibblesmith::checkpoint {

/// Opens a directory with config.json and model.safetensors, or model.safetensors.index.json with its shards.
/// Throws base::Error as openCheckpoint.
Checkpoint openHuggingFace(const std::filesystem::path& directory);

} // namespace nibblesmith::checkpoint
