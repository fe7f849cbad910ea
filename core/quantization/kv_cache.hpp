// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/kv_cache_scheme.hpp"
#include "quantization/parameters.hpp"
#include "quantization/recipe.hpp"

#include <vector>

namespace nibblesmith::quantization {

/// The ways to keep keys and values: "f16", "int8", "int4", "f32", with their parameters.
const std::vector<MethodDescription>& kvCacheDescriptions();

/// A recipe's choice with its defaults filled in. Throws base::Error{InvalidArgument} naming 'kvCache' and
/// the field.
model::KvCacheScheme kvCacheScheme(const MethodChoice& choice);

} // namespace nibblesmith::quantization
