// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/quantized_linear.hpp"

namespace nibblesmith::checkpoint {

/// Returns true if the checkpoint is in AutoAWQ's format and has "<prefix>.qweight".
bool isAwq(const Checkpoint& checkpoint, const std::string& prefix);

/// Returns the group size in config.quantization_config; 0: one group per row. Throws base::Error{Corrupt,
/// NotSupported} naming the field; NotSupported for versions other than gemm and widths other than 4 bits.
int64_t awqGroupSize(const Checkpoint& checkpoint);

/// Reads the linear: W[o,i] = scales[g,o] * (q - zero[g,o]), from qweight int32 [in, out/8] (4-bit fields
/// along the outputs; field k of a word belongs to output 0, 2, 4, 6, 1, 3, 5, 7 of eight), qzeros int32
/// [groups, out/8] (same packing, no offset; 8 if absent), scales [groups, out]. Scales are rounded to f16.
/// Throws base::Error{Corrupt, NotSupported} naming the tensor or the field. Source: casper-hansen/AutoAWQ,
/// awq/modules/linear/gemm.py and awq/utils/packing_utils.py.
QuantizedLinear readAwq(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
