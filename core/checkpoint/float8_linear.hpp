// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/quantized_linear.hpp"

namespace nibblesmith::checkpoint {

/// Whether "<prefix>.weight" is F8_E4M3 or F8_E5M2 with "<prefix>.weight_scale_inv" or
/// "<prefix>.weight_scale" beside it.
bool isFloat8(const Checkpoint& checkpoint, const std::string& prefix);

/// Dequantizes it to BF16: W = weight * scale, the scale being one value, one for each row ([out] or [out,
/// 1]), or one for each block of rows and columns (quantization_config.weight_block_size, or what divides the
/// weight evenly). Both names of the scale multiply. How the layer's input is rounded, if it is, is left out.
/// Source: transformers, integrations/finegrained_fp8.py; vllm-project/compressed-tensors, float-quantized.
/// Throws base::Error{Corrupt} naming the tensor.
QuantizedLinear readFloat8(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
