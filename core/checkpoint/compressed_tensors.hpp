// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/quantized_linear.hpp"

#include <optional>

namespace nibblesmith::checkpoint {

/// Whether "<prefix>.weight_packed" (compressed-tensors, format pack-quantized) is in the checkpoint, or its
/// format int-quantized: "<prefix>.weight" I8 beside "<prefix>.weight_scale".
bool isCompressed(const Checkpoint& checkpoint, const std::string& prefix);

/// Unpacks the linear "<prefix>". pack-quantized: from weight_packed int32 [out, ceil(in*bits/32)] (dense
/// little-endian bit fields that may cross words, value + 2^(bits-1)), weight_scale [out, groups],
/// weight_shape, and weight_zero_point (packed along out) / weight_g_idx where present. int-quantized: from
/// weight I8 [out, in] (the value itself), weight_scale, weight_zero_point I8 [out, groups], weight_g_idx.
/// Bits, group size and how the input is rounded from config.quantization_config, static scales from
/// input_scale and input_zero_point. Source: vllm-project/compressed-tensors, compressors/pack_quantized and
/// naive_quantized. Scales are rounded to f16, which changes only those that a file holds in f32 (or in bf16
/// below 2^-14). Throws base::Error{Corrupt, NotSupported} naming the tensor.
QuantizedLinear readCompressed(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
