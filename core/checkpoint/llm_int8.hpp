// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/compressed_tensors.hpp"

namespace nibblesmith::checkpoint {

/// Returns true if the linear is in bitsandbytes' LLM.int8() layout: "<prefix>.weight" I8 with
/// "<prefix>.SCB".
bool isLlmInt8(const Checkpoint& checkpoint, const std::string& prefix);

/// Reads the linear: W = weight * SCB / 127 with weight I8 [out, in] and SCB F32 [out]. The outlier threshold
/// comes from config.quantization_config.llm_int8_threshold. Scales are rounded to f16. Throws
/// base::Error{Corrupt, NotSupported} naming the tensor or the field. Source: bitsandbytes, nn/modules.py
/// (Int8Params, Linear8bitLt); transformers, BitsAndBytesConfig.
QuantizedLinear readLlmInt8(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
