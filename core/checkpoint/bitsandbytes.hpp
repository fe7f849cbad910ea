// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <string_view>

namespace nibblesmith::checkpoint {

/// What the parts of a packed linear are called after "<prefix>.weight", with the state's name before its
/// type.
inline constexpr std::string_view kBitsandbytesState = ".quant_state.bitsandbytes__";

/// "nf4" or "fp4" where "<prefix>.weight" is packed by bitsandbytes; else empty.
std::string bitsandbytesType(const Checkpoint& checkpoint, const std::string& prefix);

/// Reads the linear "<prefix>" from weight U8 [ceil(n / 2), 1] (two codes a byte, the first in the high
/// half), absmax F32 per block, or U8 codes with nested_absmax F32 and nested_quant_map F32 [256], quant_map
/// F32 [16] and the quant_state, which is JSON. Blocks are counted over all n = out * in weights; those that
/// cross rows become groups of gcd(blocksize, in), with scales repeated. Weights are rounded to f16 whatever
/// dtype the state names. Source: bitsandbytes, functional.py (QuantState.as_dict, dequantize_4bit). Throws
/// base::Error{Corrupt, NotSupported} naming the tensor.
tensor::QuantizedTensor readBitsandbytes(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
