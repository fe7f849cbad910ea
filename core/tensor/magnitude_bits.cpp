// SPDX-License-Identifier: Apache-2.0
#include "tensor/magnitude_bits.hpp"

#include "tensor/multiversion.hpp"

#include <bit>

namespace nibblesmith::tensor {

NIB_MULTIVERSION uint32_t largestMagnitudeBits(const float* values, int64_t count) {
  uint32_t largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t magnitude = std::bit_cast<uint32_t>(values[i]) & 0x7FFFFFFFu;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

} // namespace nibblesmith::tensor
