// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/compressed_tensors.hpp"

namespace nibblesmith::checkpoint {

/// Whether the linear "<prefix>" is in bitsandbytes' 8-bit layout: "<prefix>.weight" I8 beside
/// "<prefix>.SCB".
bool isLlmInt8(const Checkpoint& checkpoint, const std::string& prefix);

/// Reads it: W = weight * SCB / 127 with weight I8 [out, in] and SCB F32 [out]; the threshold of outliers
/// from config.quantization_config.llm_int8_threshold. Scales are rounded to f16. Source: bitsandbytes,
/// nn/modules.py (Int8Params, Linear8bitLt); transformers, BitsAndBytesConfig. Throws base::Error{Corrupt,
/// NotSupported} naming the tensor or the field.
QuantizedLinear readLlmInt8(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
