// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "tensor/activation_scheme.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace nibblesmith::checkpoint {

/// What config.quantization_config says about one linear layer.
struct WeightScheme {
  int bits = 0; ///< 2..8
  bool symmetric = true;
  int64_t groupSize = 0; ///< along inFeatures; 0 for one scale per row or per tensor
  std::optional<tensor::ActivationScheme>
      input; ///< a static one without its scale and zero point, which are tensors
};

/// The scheme of module `name` in the checkpoint's compressed-tensors config: the group that targets it by
/// exact name, else by "re:" pattern (matched from the beginning of the name), else by the class "Linear";
/// names as the config has them, see namesInConfig(). Throws base::Error{Corrupt, NotSupported} naming file,
/// field and module. Source: vllm-project/compressed-tensors, quantization/quant_config.py, utils/match.py.
WeightScheme weightSchemeOf(const Checkpoint& checkpoint, const std::string& name);

} // namespace nibblesmith::checkpoint
