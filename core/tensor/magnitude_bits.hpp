// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace nibblesmith::tensor {

/// Bit pattern of f32 infinity; larger magnitudes are NaN.
constexpr uint32_t kInfinityBits = 0x7F800000u;

/// Returns the bit pattern of the largest |value|, or 0 for no values. Non-negative f32 values compare like
/// their bit patterns, and NaN compares above infinity.
uint32_t largestMagnitudeBits(const float* values, int64_t count);

} // namespace nibblesmith::tensor
