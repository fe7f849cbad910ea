// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/family.hpp"

namespace nibblesmith::model {

/// Rounds to the double with the shortest decimal form that reads back as the same f32: 1e-05, not
/// 9.99999974737875e-06.
double shortestDecimal(float value);

/// Builds the config.json fields that all models with RMS norms and rotary embeddings share, under
/// transformers' names; families add windows, activation and biases. Rope factors of a GGUF file are
/// recognized if they follow linear or Llama 3 scaling; others throw base::Error{NotSupported}.
base::Json commonJson(const Model& model, const char* architecture);

/// Fraction of a head's dimensions that the rotary embedding rotates.
double rotaryFraction(const ModelConfig& config);

/// Renames fields of a JSON object; a field whose new name is null is removed.
void renameFields(base::Json& json, std::initializer_list<std::pair<const char*, const char*>> names);

/// Returns true if the linear with this role has a bias; block 0 stands for all blocks.
bool hasBias(const Model& model, LinearRole role);

} // namespace nibblesmith::model
