// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "model/config.hpp"

#include <string>

namespace nibblesmith::model {

/// Sets divisors and magnitude of `rotary` (whose dimensions and theta are set) from a "rope_scaling" or
/// "rope_parameters" object of config.json: types default, linear, dynamic, llama3, yarn, longrope. `whole`
/// is the configuration around it, asked for "original_max_position_embeddings"; maxPositions stands in where
/// no file says. Returns the positions that they hold for: maxPositions; of longrope without factors of long
/// texts, those of its short ones; of the dynamic type, whose base grows beyond maxPositions, `factor` times
/// as many. Throws base::Error{NotSupported} for other types, {Corrupt} on factors that make no sense; both
/// name origin and key. Sources: transformers, modeling_rope_utils.py; Peng et al. 2023, YaRN (arXiv
/// 2309.00071), sections 3.1 to 3.4; Ding et al. 2024, LongRoPE (arXiv 2402.13753).
int64_t applyRopeScaling(const base::Json& scaling, const base::Json& whole, int64_t maxPositions,
                         const std::string& key, const std::string& origin, Rotary& rotary);

/// Of cosines and sines, where longrope's parameters do not say it: growth is all positions by the original
/// ones.
double longropeMagnitude(double growth, int64_t originalPositions);

/// All frequencies divided by one factor (position interpolation).
void divideFrequencies(Rotary& rotary, float factor);

} // namespace nibblesmith::model
