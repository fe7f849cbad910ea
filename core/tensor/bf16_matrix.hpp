// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/half.hpp"
#include "tensor/matrix.hpp"

namespace nibblesmith::tensor {

/// Converts f32 to bf16, to nearest, ties to even.
inline Bf16Matrix narrowed(const Matrix& values) {
  Bf16Matrix result(values.rows(), values.cols());
  f32ToBf16(values.data(), result.data(), values.size());
  return result;
}

/// Converts bf16 to f32, exactly.
inline Matrix widened(const Bf16Matrix& values) {
  Matrix result(values.rows(), values.cols());
  bf16ToF32(values.data(), result.data(), values.size());
  return result;
}

} // namespace nibblesmith::tensor
