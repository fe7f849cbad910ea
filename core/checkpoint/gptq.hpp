// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/quantized_linear.hpp"

namespace nibblesmith::checkpoint {

/// Quantization parameters of a GPTQ checkpoint, from config.quantization_config or quantize_config.json.
struct GptqScheme {
  int bits = 4;          ///< 2, 3, 4 or 8
  int64_t groupSize = 0; ///< along inFeatures; 0 for one group per row
  bool symmetric = true;
  bool actOrder = false;
  /// Added to each stored zero point: 1 in the first version of the format.
  int64_t zeroOffset = 1;
};

/// Returns true if the checkpoint is in GPTQ format and has "<prefix>.qweight".
bool isGptq(const Checkpoint& checkpoint, const std::string& prefix);

/// Returns the scheme of module `prefix`, including matching rules of "dynamic". Throws base::Error{Corrupt,
/// NotSupported} naming the field; NotSupported for kernel-specific layouts (checkpoint_format other than
/// gptq and gptq_v2).
GptqScheme gptqSchemeOf(const Checkpoint& checkpoint, const std::string& prefix);

/// Reads the linear: W[o,i] = scales[g,o] * (q - zero[g,o]) with g = g_idx[i], from qweight int32
/// [in*bits/32, out] (dense little-endian fields along the inputs, which cross words at 3 bits), qzeros int32
/// [groups, out*bits/32] (along the outputs; stored minus zeroOffset), scales [groups, out], optionally g_idx
/// int32 [in]. With the offset a zero point may be 2^bits: the codes then get one bit more, and 8-bit weights
/// are dequantized. Scales are rounded to f16. Throws base::Error{Corrupt, NotSupported} naming the tensor or
/// the field. Source: ModelCloud/GPTQModel, nn_modules/qlinear and utils/model.py
/// (convert_gptq_v1_to_v2_format).
QuantizedLinear readGptq(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
