// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

namespace nibblesmith::test {

/// For comparisons that the rounding of an f16 key-value cache would show in.
inline model::ModelConfig exactly(model::ModelConfig config) {
  config.kvCache.type = model::KvCacheScheme::Type::F32;
  return config;
}

} // namespace nibblesmith::test
