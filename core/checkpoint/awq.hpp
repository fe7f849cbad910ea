// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/quantized_linear.hpp"

namespace nibblesmith::checkpoint {

/// Whether the checkpoint is an AutoAWQ one and "<prefix>.qweight" is there.
bool isAwq(const Checkpoint& checkpoint, const std::string& prefix);

/// Of config.quantization_config, 0: one group per row. Throws base::Error{Corrupt, NotSupported} naming the
/// field; versions other than gemm and widths other than 4 bits are the latter.
int64_t awqGroupSize(const Checkpoint& checkpoint);

/// Reads the linear: W[o,i] = scales[g,o] * (q - zero[g,o]), from qweight int32 [in, out/8] (4-bit fields
/// along the outputs, field k of a word being output 0, 2, 4, 6, 1, 3, 5, 7 of its eight), qzeros int32
/// [groups, out/8] (the same, stored as they are; 8 where absent), scales [groups, out]. Scales are rounded
/// to f16. Source: casper-hansen/AutoAWQ, awq/modules/linear/gemm.py and awq/utils/packing_utils.py. Throws
/// base::Error{Corrupt, NotSupported} naming the tensor or the field.
QuantizedLinear readAwq(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
