// SPDX-License-Identifier: Apache-2.0
#include "tensor/f8.hpp"

#include "tensor/half.hpp"

#include <array>
#include <cmath>
#include <limits>

namespace nibblesmith::tensor {

namespace {

float valueOf(DType type, unsigned byte) {
  if (type == DType::F8_E5M2)
    return f16ToF32(static_cast<uint16_t>(byte << 8));
  const float sign = byte & 0x80u ? -1.0f : 1.0f;
  const int exponent = static_cast<int>(byte >> 3 & 15u);
  const auto mantissa = static_cast<float>(byte & 7u);
  if ((byte & 0x7Fu) == 0x7Fu)
    return std::numeric_limits<float>::quiet_NaN();
  return exponent == 0 ? sign * std::ldexp(mantissa, -9) : sign * std::ldexp(8.0f + mantissa, exponent - 10);
}

std::array<float, 256> valuesOf(DType type) {
  std::array<float, 256> values{};
  for (unsigned byte = 0; byte < 256; ++byte)
    values[byte] = valueOf(type, byte);
  return values;
}

} // namespace

void f8ToF32(DType type, const std::byte* in, float* out, int64_t count) {
  static const std::array<float, 256> kE4M3 = valuesOf(DType::F8_E4M3);
  static const std::array<float, 256> kE5M2 = valuesOf(DType::F8_E5M2);
  const auto& values = type == DType::F8_E4M3 ? kE4M3 : kE5M2;
  for (int64_t i = 0; i < count; ++i)
    out[i] = values[std::to_integer<size_t>(in[i])];
}

} // namespace nibblesmith::tensor
