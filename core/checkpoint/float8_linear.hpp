// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/quantized_linear.hpp"

namespace nibblesmith::checkpoint {

/// Returns true if "<prefix>.weight" is F8_E4M3 or F8_E5M2 with a "<prefix>.weight_scale_inv" or
/// "<prefix>.weight_scale".
bool isFloat8(const Checkpoint& checkpoint, const std::string& prefix);

/// Dequantizes to BF16: W = weight * scale. The scale is one value, one per row ([out] or [out, 1]), or one
/// per block of rows and columns (quantization_config.weight_block_size, or the size that divides the weight
/// evenly). Scales of both names multiply. The activation scheme is ignored. Throws base::Error{Corrupt}
/// naming the tensor. Source: transformers, integrations/finegrained_fp8.py; vllm-project/compressed-tensors,
/// float-quantized.
QuantizedLinear readFloat8(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
