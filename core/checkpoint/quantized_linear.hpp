// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "tensor/activation_scheme.hpp"

#include <optional>

namespace nibblesmith::checkpoint {

/// A linear as its codes.
struct QuantizedLinear {
  tensor::QuantizedTensor weight;
  std::optional<tensor::ActivationScheme> input = std::nullopt; ///< how it rounds its input
};

/// Whether the linear "<prefix>" is packed in a layout that readQuantizedLinear() knows.
bool isQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix);

/// Unpacks it: compressed-tensors' pack-quantized or int-quantized, or bitsandbytes' 4-bit types or 8 bits.
/// Throws base::Error{Corrupt, NotSupported} naming the tensor.
QuantizedLinear readQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
