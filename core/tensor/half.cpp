// SPDX-License-Identifier: Apache-2.0
#include "tensor/half.hpp"

#include "tensor/multiversion.hpp"

#include <Eigen/Core>

namespace nibblesmith::tensor {

// Uses bit arithmetic instead of library types so that the loops below vectorize on any CPU.

float f16ToF32(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t magnitude = bits & 0x7FFFu;
  // Shifts exponent and mantissa into place and rebiases by a multiplication, which is exact for subnormals
  // too.
  float value = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  if (magnitude >= 0x7C00u)
    value = std::bit_cast<float>((magnitude << 13) | 0x7F800000u);
  return std::bit_cast<float>(std::bit_cast<uint32_t>(value) | sign);
}

uint16_t f32ToF16(float value) { return Eigen::numext::bit_cast<uint16_t>(Eigen::half(value)); }

uint16_t f32ToBf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
    return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

NIB_MULTIVERSION void f16ToF32(const uint16_t* in, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t magnitude = in[i] & 0x7FFFu;
    const uint32_t sign = static_cast<uint32_t>(in[i] & 0x8000u) << 16;
    const float finite = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
    const uint32_t special = (magnitude << 13) | 0x7F800000u;
    const uint32_t bits = magnitude >= 0x7C00u ? special : std::bit_cast<uint32_t>(finite);
    out[i] = std::bit_cast<float>(bits | sign);
  }
}

NIB_MULTIVERSION void bf16ToF32(const uint16_t* in, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = std::bit_cast<float>(static_cast<uint32_t>(in[i]) << 16);
}

NIB_MULTIVERSION void f32ToBf16(const float* in, uint16_t* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<uint32_t>(in[i]);
    const uint32_t nearest = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    const uint32_t quietNan = (bits >> 16) | 0x40u;
    out[i] = static_cast<uint16_t>((bits & 0x7FFFFFFFu) > 0x7F800000u ? quietNan : nearest);
  }
}

void f32ToF16(const float* in, uint16_t* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = f32ToF16(in[i]);
}

} // namespace nibblesmith::tensor
