// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace nibblesmith::tensor {

/// Rounds x to the nearest integer, ties to even; requires |x| < 2^22. Adding and subtracting 1.5 * 2^23
/// rounds in plain f32 arithmetic, so loops also vectorize on CPUs without a rounding instruction.
inline float roundedHalfToEven(float x) {
  constexpr float kBias = 12582912.0f;
  return (x + kBias) - kBias;
}

} // namespace nibblesmith::tensor
