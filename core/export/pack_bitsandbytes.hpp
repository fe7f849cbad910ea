// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/quantized_tensor.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace nibblesmith::exporting {

/// Returns true if bitsandbytes' 4-bit layout represents the tensor exactly.
bool fitsBitsandbytes(const tensor::QuantizedTensor& weights);
/// Returns "nf4" or "fp4". This and the functions below require fitsBitsandbytes().
std::string bitsandbytesType(const tensor::QuantizedTensor& weights);

/// Tensors of a linear in bitsandbytes' 4-bit layout, little-endian. Source: bitsandbytes, functional.py
/// (QuantState.as_dict).

/// Returns weight, U8 [n / 2, 1] for n weights: two codes per byte, the first in the high half.
std::vector<std::byte> packNibbles(const tensor::QuantizedTensor& weights);
/// Returns absmax, one per block: F32, or U8 with nested scales.
std::vector<std::byte> packAbsmax(const tensor::QuantizedTensor& weights);
/// Returns quant_map, F32 [16].
std::vector<std::byte> packQuantMap(const tensor::QuantizedTensor& weights);
/// Returns nested_absmax, F32 [ceil(blocks / 256)].
std::vector<std::byte> packNestedAbsmax(const tensor::QuantizedTensor& weights);
/// Returns nested_quant_map, F32 [256].
std::vector<std::byte> packNestedQuantMap(const tensor::QuantizedTensor& weights);
/// Returns quant_state.bitsandbytes__<type>, U8: JSON text. Its dtype is float16, to which the weights are
/// rounded.
std::vector<std::byte> packQuantState(const tensor::QuantizedTensor& weights);

} // namespace nibblesmith::exporting
