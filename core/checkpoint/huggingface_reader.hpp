// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace nibblesmith::checkpoint {

/// Hint for messages about weights in a pickle file.
inline constexpr const char* kPickleHint = "convert it to safetensors, in an environment you trust, with "
                                           "AutoModelForCausalLM.from_pretrained(directory)"
                                           ".save_pretrained(new_directory) of transformers";

/// Opens a directory with config.json and model.safetensors, or model.safetensors.index.json with its shards.
/// If the config has no quantization_config, it is read from quantize_config.json (GPTQ) or quant_config.json
/// (AWQ). Keeps only the language model of a multimodal model. Throws base::Error like openCheckpoint().
Checkpoint openHuggingFace(const std::filesystem::path& directory, const std::stop_token& stop = {});

} // namespace nibblesmith::checkpoint
