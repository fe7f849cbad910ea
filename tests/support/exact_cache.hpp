// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

namespace nibblesmith::test {

/// Returns the configuration with an exact KV cache, for comparisons that f16 rounding of the cache would
/// disturb.
inline model::ModelConfig exactly(model::ModelConfig config) {
  config.kvCache.type = model::KvCacheScheme::Type::F32;
  return config;
}

} // namespace nibblesmith::test
