// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "tensor/activation_scheme.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace nibblesmith::checkpoint {

/// Quantization parameters of one linear layer, from config.quantization_config.
struct WeightScheme {
  int bits = 0; ///< 2..8
  bool symmetric = true;
  int64_t groupSize = 0; ///< along inFeatures; 0 for one scale per row or per tensor
  std::optional<tensor::ActivationScheme>
      input; ///< static schemes have no scale and zero point here; these are tensors
};

/// Returns the scheme of module `name` from the compressed-tensors config: the group that targets its exact
/// name, else a matching "re:" pattern (anchored at the beginning), else the class "Linear". Names are those
/// of namesInConfig(). Throws base::Error{Corrupt, NotSupported} naming file, field and module. Source:
/// vllm-project/compressed-tensors, quantization/quant_config.py, utils/match.py.
WeightScheme weightSchemeOf(const Checkpoint& checkpoint, const std::string& name);

} // namespace nibblesmith::checkpoint
