// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <string_view>

namespace nibblesmith::checkpoint {

/// Part of the quant_state tensor's name, "<prefix>.weight" + this + "nf4" or "fp4".
inline constexpr std::string_view kBitsandbytesState = ".quant_state.bitsandbytes__";

/// Returns "nf4" or "fp4" if "<prefix>.weight" is packed by bitsandbytes, otherwise an empty string.
std::string bitsandbytesType(const Checkpoint& checkpoint, const std::string& prefix);

/// Reads the linear "<prefix>" from weight U8 [ceil(n / 2), 1] (two codes per byte, the first in the high
/// half), absmax F32 per block (or U8 codes with nested_absmax F32 and nested_quant_map F32 [256]), quant_map
/// F32 [16] and quant_state (JSON). Blocks run over all n = out * in weights; blocks that cross rows become
/// groups of gcd(blocksize, in) with repeated scales. Weights are rounded to f16, whatever dtype quant_state
/// names. Throws base::Error{Corrupt, NotSupported} naming the tensor. Source: bitsandbytes, functional.py
/// (QuantState.as_dict, dequantize_4bit).
tensor::QuantizedTensor readBitsandbytes(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
