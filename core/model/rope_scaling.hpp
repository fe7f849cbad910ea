// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "model/config.hpp"

#include <string>

namespace nibblesmith::model {

/// Sets divisors and magnitude of `rotary` (whose dimensions and theta must be set) from a "rope_scaling" or
/// "rope_parameters" object of config.json. Supported types: default, linear, dynamic, llama3, yarn,
/// longrope. `whole` is the enclosing configuration, which may hold "original_max_position_embeddings";
/// maxPositions is used if neither holds it. Returns the context length that the scaling supports:
/// maxPositions; the original positions for longrope without "long_factor"; factor * maxPositions for
/// dynamic. Throws base::Error{NotSupported} for other types, {Corrupt} on invalid factors; both with origin
/// and key. Sources: transformers, modeling_rope_utils.py; Peng et al. 2023, YaRN (arXiv 2309.00071),
/// sections 3.1 to 3.4; Ding et al. 2024, LongRoPE (arXiv 2402.13753).
int64_t applyRopeScaling(const base::Json& scaling, const base::Json& whole, int64_t maxPositions,
                         const std::string& key, const std::string& origin, Rotary& rotary);

/// Default LongRoPE attention factor (the factor of cosines and sines): sqrt(1 + ln(extension) /
/// ln(originalPositions)). extension: context length / original positions.
double longropeMagnitude(double extension, int64_t originalPositions);

/// Divides all frequencies by one factor (linear scaling, position interpolation).
void divideFrequencies(Rotary& rotary, float factor);

} // namespace nibblesmith::model
