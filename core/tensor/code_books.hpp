// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nibblesmith::tensor {

/// 4-bit NormalFloat, ascending. Source: Dettmers et al. 2023 (arXiv 2305.14314), appendix E; the f32 values
/// are those that bitsandbytes writes into its files as quant_map.
std::span<const float> nf4Book();

/// bitsandbytes' FP4, by bit pattern: a sign bit, then 0, 1/192, 2/3, 1, 1/3, 1/2, 1/6, 1/4.
std::span<const float> fp4Book();

/// Powers of a base, by bit pattern: a sign bit, then the exponent's code m of bits - 1 bits: 0 for m = 0,
/// else base^(m - 2^(bits-1) + 1), so that the largest is 1. base is 2, or its square root, whose even powers
/// are exact. bits 3..6. Source: Miyashita et al. 2016 (arXiv 1603.01025), section 3.
std::vector<float> logBook(int bits, bool halfSteps);

/// bitsandbytes' signed 8-bit dynamic map, 256 ascending values in -1..1. Source: Dettmers 2015 (arXiv
/// 1511.04561), section 2; `create_dynamic_map` of bitsandbytes, bit for bit.
std::span<const float> dynamicMap();

/// "NF4", "FP4", "log 4-bit", "log sqrt(2) 5-bit"; "" for any other code book.
std::string codeBookName(std::span<const float> book);

/// Whether bitsandbytes' 4-bit layout, which counts blocks over all weights, holds groups of this size: one
/// of its books and block sizes, and rows of whole blocks.
bool fitsBitsandbytes(std::span<const float> book, int64_t groupSize, int64_t inFeatures);

} // namespace nibblesmith::tensor
