// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/quantized_linear.hpp"

namespace nibblesmith::checkpoint {

/// What config.quantization_config (or quantize_config.json beside it) says about the linears of a GPTQ
/// checkpoint.
struct GptqScheme {
  int bits = 4;          ///< 2, 3, 4 or 8
  int64_t groupSize = 0; ///< along inFeatures; 0 for one group per row
  bool symmetric = true;
  bool actOrder = false;
  int64_t zeroOffset = 1; ///< what is added to a stored zero point: 1 in the first version of the format
};

/// Whether the checkpoint is a GPTQ one and "<prefix>.qweight" is there.
bool isGptq(const Checkpoint& checkpoint, const std::string& prefix);

/// For module `prefix`, rules of "dynamic" that match its name included.
/// Throws base::Error{Corrupt, NotSupported} naming the field, the latter for layouts of single kernels
/// (checkpoint_format other than gptq and gptq_v2).
GptqScheme gptqSchemeOf(const Checkpoint& checkpoint, const std::string& prefix);

/// Reads the linear: W[o,i] = scales[g,o] * (q - zero[g,o] ) with g = g_idx[i], from qweight int32
/// [in*bits/32, out] (dense little-endian fields along the inputs, which cross words at 3 bits), qzeros int32
/// [groups, out*bits/32] (along the outputs; stored less zeroOffset), scales [groups, out], g_idx int32 [in]
/// where there is one. A zero point of 2^bits, which the offset makes possible, takes one bit more; at 8 bits
/// it is dequantized. Scales are rounded to f16. Source: ModelCloud/GPTQModel, nn_modules/qlinear and
/// utils/model.py (convert_gptq_v1_to_v2_format). Throws base::Error{Corrupt, NotSupported} naming the tensor
/// or the field.
QuantizedLinear readGptq(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
