// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace nibblesmith::tensor {

/// The whole number nearest to x, ties to even; |x| < 2^22. Adding and subtracting 1.5 * 2^23 does it in
/// plain f32 arithmetic, so that loops vectorize on processors without a rounding instruction, too.
inline float roundedHalfToEven(float x) {
  constexpr float kBias = 12582912.0f;
  return (x + kBias) - kBias;
}

} // namespace nibblesmith::tensor
