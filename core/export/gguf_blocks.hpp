// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/quantized_tensor.hpp"
#include "tensor/tensor_view.hpp"

#include <cstddef>
#include <string>

namespace nibblesmith::exporting {

inline constexpr int64_t kGgufBlock = 32;

/// Rounds `count` values (a multiple of 32) to blocks of Q4_0, Q4_1 or Q8_0, bit-identical to ggml's
/// quantize_row_q4_0_ref, quantize_row_q4_1_ref and quantize_row_q8_0_ref (half away from zero). Throws
/// base::Error{Numerical} naming `name` on NaN, infinity, or a scale that overflows f16.
void roundToBlocks(tensor::DType type, const float* values, int64_t count, std::byte* out,
                   const std::string& name);

/// Returns true if the block type represents every weight exactly with the grid's own scale: groups consist
/// of whole blocks, and Q4_0: symmetric up to 4 bits; Q4_1: up to 4 bits; Q8_0: up to 7 bits, or symmetric 8
/// bits.
bool fitsBlocks(const tensor::QuantizedTensor& weights, tensor::DType type);

/// Writes row o as blocks with the grid's codes. Exact, except for the minimum of an asymmetric grid in Q4_1:
/// -scale * zeroPoint rounded to f16. Requires fitsBlocks(). Throws base::Error{Numerical} if it overflows.
void writeCodes(const tensor::QuantizedTensor& weights, int64_t o, tensor::DType type, std::byte* out,
                const std::string& name);

} // namespace nibblesmith::exporting
