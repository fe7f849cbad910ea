// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace nibblesmith::tensor {

constexpr uint32_t kInfinityBits = 0x7F800000u;

/// The f32 bits of the largest magnitude, 0 of no values: magnitudes order as their bits do, and NaN is above
/// infinity.
uint32_t largestMagnitudeBits(const float* values, int64_t count);

} // namespace nibblesmith::tensor
