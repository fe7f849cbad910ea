// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/family.hpp"

namespace nibblesmith::model {

/// The shortest decimal that reads back as the same f32: 1e-05, not 9.99999974737875e-06.
double shortest(float value);

/// What config.json says of every model with RMS norms and rotary embeddings, transformers' way; windows,
/// activation and biases are the family's matter. Rotary divisors of a GGUF file are recognised as linear or
/// as Llama 3's scaling. Throws base::Error{NotSupported} for others.
base::Json commonJson(const Model& model, const char* architecture);

/// Of a head's dimensions, those that are rotated.
double rotaryFraction(const ModelConfig& config);

/// Gives fields other names; those whose new one is null are left out.
void rename(base::Json& json, std::initializer_list<std::pair<const char*, const char*>> names);

/// Whether the blocks' linear of this role has a bias.
bool hasBias(const Model& model, LinearRole role);

} // namespace nibblesmith::model
