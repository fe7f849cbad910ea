// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "tensor/activation_scheme.hpp"

#include <optional>
#include <variant>

namespace nibblesmith::checkpoint {

/// A linear of a quantized checkpoint: as its codes, or dequantized where no grid of ours holds them.
struct QuantizedLinear {
  std::variant<tensor::TensorView, tensor::QuantizedTensor> weight;
  std::optional<tensor::ActivationScheme> input = std::nullopt; ///< how it rounds its input

  int64_t outFeatures() const;
  int64_t inFeatures() const;
};

/// config.quantization_config.quant_method; empty where there is none.
std::string quantizationMethod(const Checkpoint& checkpoint);

/// Whether the linear "<prefix>" is packed in a layout that readQuantizedLinear() knows.
bool isQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix);

/// Unpacks it: compressed-tensors' pack-quantized or int-quantized, bitsandbytes' 4-bit types or 8 bits,
/// GPTQ, AWQ, or 8-bit floats with scales. The weights are validated. Throws base::Error{Corrupt,
/// NotSupported} naming the tensor.
QuantizedLinear readQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
