// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "tensor/activation_scheme.hpp"

#include <optional>
#include <variant>

namespace nibblesmith::checkpoint {

/// Linear layer of a quantized checkpoint: codes, or dequantized values if no supported grid represents the
/// codes.
struct QuantizedLinear {
  std::variant<tensor::TensorView, tensor::QuantizedTensor> weight;
  std::optional<tensor::ActivationScheme> input = std::nullopt; ///< activation scheme of the input

  int64_t outFeatures() const;
  int64_t inFeatures() const;
};

/// Returns config.quantization_config.quant_method; empty if absent.
std::string quantizationMethod(const Checkpoint& checkpoint);

/// Returns true if the linear "<prefix>" is packed in a layout that readQuantizedLinear() supports.
bool isQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix);

/// Unpacks and validates the linear: pack-quantized or int-quantized of compressed-tensors, 4-bit types or
/// LLM.int8() of bitsandbytes, GPTQ, AWQ, or 8-bit floats with scales. Throws base::Error{Corrupt,
/// NotSupported} naming the tensor.
QuantizedLinear readQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
