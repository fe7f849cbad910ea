// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/quantized_tensor.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace nibblesmith::exporting {

/// Whether bitsandbytes' 4-bit layout holds the tensor as it is.
bool fitsBitsandbytes(const tensor::QuantizedTensor& weights);
/// "nf4" or "fp4". Requires fitsBitsandbytes(), as all below do.
std::string bitsandbytesType(const tensor::QuantizedTensor& weights);

/// The parts of a linear in bitsandbytes' 4-bit layout, little-endian. Source: bitsandbytes, functional.py
/// (QuantState.as_dict).

/// weight, U8 [n / 2, 1] for n weights: two codes a byte, the first in the high half.
std::vector<std::byte> packNibbles(const tensor::QuantizedTensor& weights);
/// absmax, one for each block: F32, or U8 of nested scales.
std::vector<std::byte> packAbsmax(const tensor::QuantizedTensor& weights);
/// quant_map, F32 [16].
std::vector<std::byte> packQuantMap(const tensor::QuantizedTensor& weights);
/// nested_absmax, F32 [ceil(blocks / 256)].
std::vector<std::byte> packNestedAbsmax(const tensor::QuantizedTensor& weights);
/// nested_quant_map, F32 [256].
std::vector<std::byte> packNestedQuantMap(const tensor::QuantizedTensor& weights);
/// quant_state.bitsandbytes__<type>, U8: a JSON text. Weights are f16 there, as the definition rounds them.
std::vector<std::byte> packQuantState(const tensor::QuantizedTensor& weights);

} // namespace nibblesmith::exporting
