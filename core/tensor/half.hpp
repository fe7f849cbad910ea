// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

namespace nibblesmith::tensor {

/// Conversions between f32 and the bit patterns of f16 (IEEE 754 binary16) and bf16. Narrowing rounds to
/// nearest, ties to even.
float f16ToF32(uint16_t bits);
uint16_t f32ToF16(float value);

inline float bf16ToF32(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
uint16_t f32ToBf16(float value);

/// Rounds `value` to the nearest f16 and returns it as f32: the value that a stored f16 scale reads back as.
inline float roundToF16(float value) { return f16ToF32(f32ToF16(value)); }

/// Conversions of `count` values.
void f16ToF32(const uint16_t* in, float* out, int64_t count);
void bf16ToF32(const uint16_t* in, float* out, int64_t count);
void f32ToF16(const float* in, uint16_t* out, int64_t count);
void f32ToBf16(const float* in, uint16_t* out, int64_t count);

} // namespace nibblesmith::tensor
