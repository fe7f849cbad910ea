// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/kv_cache_scheme.hpp"
#include "quantization/parameters.hpp"
#include "quantization/recipe.hpp"

#include <vector>

namespace nibblesmith::quantization {

/// Returns the descriptions of the KV cache schemes "f16", "int8", "int4" and "f32" with their parameters.
const std::vector<MethodDescription>& kvCacheDescriptions();

/// Resolves a recipe's choice; omitted parameters get their defaults. Throws base::Error{InvalidArgument}
/// with 'kvCache' and the field.
model::KvCacheScheme kvCacheScheme(const MethodChoice& choice);

} // namespace nibblesmith::quantization
