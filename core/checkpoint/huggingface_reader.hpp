// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace nibblesmith::checkpoint {

/// What to do with weights in a pickle file.
inline constexpr const char* kPickleHint = "convert it to safetensors, in an environment you trust, with "
                                           "AutoModelForCausalLM.from_pretrained(directory)"
                                           ".save_pretrained(new_directory) of transformers";

/// Opens a directory with config.json and model.safetensors, or model.safetensors.index.json with its shards.
/// quantize_config.json (GPTQ) or quant_config.json (AWQ) beside it stand for a config without
/// quantization_config. Of a model for pictures and text, the language model. Throws base::Error as
/// openCheckpoint.
Checkpoint openHuggingFace(const std::filesystem::path& directory, const std::stop_token& stop = {});

} // namespace nibblesmith::checkpoint
