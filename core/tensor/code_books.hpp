// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nibblesmith::tensor {

/// Returns the 16 values of 4-bit NormalFloat in ascending order. Source: Dettmers et al. 2023 (arXiv
/// 2305.14314), appendix E; the f32 values are those that bitsandbytes stores as quant_map.
std::span<const float> nf4Book();

/// Returns the 16 values of bitsandbytes' FP4, indexed by bit pattern: a sign bit, then 0, 1/192, 2/3, 1,
/// 1/3, 1/2, 1/6, 1/4.
std::span<const float> fp4Book();

/// Returns a logarithmic code book, indexed by bit pattern: a sign bit, then an exponent code m of bits - 1
/// bits. The magnitude is 0 for m = 0, else base^(m - 2^(bits-1) + 1), so the largest is 1. The base is 2, or
/// sqrt(2) with `halfSteps`; its even powers are exact. bits: 3..6. Source: Miyashita et al. 2016 (arXiv
/// 1603.01025), section 3.
std::vector<float> logBook(int bits, bool halfSteps);

/// Returns the 256 values of bitsandbytes' signed 8-bit dynamic map, ascending in -1..1 and bit-identical to
/// its `create_dynamic_map`. Source: Dettmers 2015 (arXiv 1511.04561), section 2.
std::span<const float> dynamicMap();

/// Returns "NF4", "FP4", "log 4-bit" or "log sqrt(2) 5-bit"; an empty string for any other code book.
std::string codeBookName(std::span<const float> book);

/// Returns true if bitsandbytes' 4-bit layout can store groups of this size: the code book is NF4 or FP4,
/// bitsandbytes supports the block size, and each row holds whole blocks (its blocks are counted over the
/// flattened tensor).
bool fitsBitsandbytes(std::span<const float> book, int64_t groupSize, int64_t inFeatures);

} // namespace nibblesmith::tensor
