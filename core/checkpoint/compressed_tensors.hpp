// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <optional>

namespace nibblesmith::checkpoint {

/// Whether "<prefix>.weight_packed" (compressed-tensors, format pack-quantized) is in the checkpoint.
bool isPackQuantized(const Checkpoint& checkpoint, const std::string& prefix);

/// Unpacks the linear "<prefix>" from weight_packed int32 [out, ceil(in*bits/32)] (dense little-endian bit
/// fields that may cross words, value + 2^(bits-1)), weight_scale [out, groups], weight_shape, and
/// weight_zero_point (packed along out) / weight_g_idx where present; bits and group size from
/// config.quantization_config. Source: vllm-project/compressed-tensors, compressors/pack_quantized.
/// Scales are rounded to f16, which changes only those that a file holds in f32 (or in bf16 below 2^-14).
/// Throws base::Error{Corrupt, NotSupported} naming the tensor.
tensor::QuantizedTensor readPackQuantized(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
