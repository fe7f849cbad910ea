// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace nibblesmith::checkpoint {

/// Returns true if config.json describes a model of several parts, one of them a language model
/// ("text_config").
bool hasLanguagePart(const Checkpoint& checkpoint);

/// Reduces a multimodal checkpoint to its language model. The config becomes text_config, with the special
/// tokens, tied embeddings and quantization of the outer config. Tensors get the names of a plain language
/// model: the prefix "language_model.", or "model.language_model." (transformers 4.52 and later), is removed.
/// Other modules are recorded in `skippedModules`. Throws base::Error{Corrupt} if two tensors would get the
/// same name. Source: transformers, conversion_mapping.py ("llava") and configuration_gemma3.py.
void reduceToLanguageModel(Checkpoint& checkpoint);

/// Returns the names that quantization targets in the config may use for module `name`
/// ("model.layers.0.mlp.down_proj"). For a multimodal model: the older ("language_model." + name) and the
/// newer name ("model.language_model.layers.0.mlp.down_proj"), since the config may use either, whatever the
/// tensor file uses. Otherwise: `name`.
std::vector<std::string> namesInConfig(const Checkpoint& checkpoint, const std::string& name);

/// Returns "the vision modules (multi_modal_projector, vision_tower: 439 tensors, 802 MiB) is not loaded";
/// empty if nothing is left out.
std::string skippedModulesText(const Checkpoint& checkpoint);

} // namespace nibblesmith::checkpoint
