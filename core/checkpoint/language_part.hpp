// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace nibblesmith::checkpoint {

/// Whether config.json describes a model of several parts, one of them a language model ("text_config").
bool hasLanguagePart(const Checkpoint& checkpoint);

/// Leaves the language model of such a checkpoint: its configuration, with what the whole says of special
/// tokens, of tied embeddings and of quantization, and its tensors under the names of a language model's own
/// file. They begin with "language_model." or, written by transformers 4.52 and later, with
/// "model.language_model.". What else there is goes into `leftOut`. Throws base::Error{Corrupt} where two
/// tensors would have one name. Source: transformers, conversion_mapping.py ("llava") and
/// configuration_gemma3.py.
void keepLanguagePart(Checkpoint& checkpoint);

/// What the configuration may call the module that is `name` here ("model.layers.0.mlp.down_proj"): its names
/// in the whole, older ("language_model." + name) and newer ("model.language_model.layers.0.mlp.down_proj"),
/// as either may have been saved beside a file of the other kind; of a language model's own file, `name`. For
/// targets of a quantization.
std::vector<std::string> namesInConfig(const Checkpoint& checkpoint, const std::string& name);

/// "the picture part (multi_modal_projector, vision_tower: 439 tensors, 802 MiB) is left out"; empty where
/// nothing is.
std::string leftOutText(const Checkpoint& checkpoint);

} // namespace nibblesmith::checkpoint
