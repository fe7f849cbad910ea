// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/quantized_linear.hpp"

#include <optional>

namespace nibblesmith::checkpoint {

/// Returns true if the linear is in a compressed-tensors format: pack-quantized ("<prefix>.weight_packed") or
/// int-quantized ("<prefix>.weight" I8 with "<prefix>.weight_scale").
bool isCompressed(const Checkpoint& checkpoint, const std::string& prefix);

/// Unpacks the linear "<prefix>". pack-quantized: weight_packed int32 [out, ceil(in*bits/32)] (dense
/// little-endian bit fields that may cross words, value + 2^(bits-1)), weight_scale [out, groups],
/// weight_shape, and optionally weight_zero_point (packed along out) and weight_g_idx. int-quantized: weight
/// I8 [out, in] (the value itself), weight_scale, weight_zero_point I8 [out, groups], weight_g_idx. Bits,
/// group size and activation scheme come from config.quantization_config, static scales from input_scale and
/// input_zero_point. Scales are rounded to f16, which changes only f32 scales (and bf16 ones below 2^-14).
/// Throws base::Error{Corrupt, NotSupported} naming the tensor. Source: vllm-project/compressed-tensors,
/// compressors/pack_quantized and naive_quantized.
QuantizedLinear readCompressed(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
