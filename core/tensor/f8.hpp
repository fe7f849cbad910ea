// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/dtype.hpp"

#include <cstddef>

namespace nibblesmith::tensor {

/// Converts `count` values of an 8-bit float type to f32, exactly. F8_E4M3 has 4 exponent bits with bias 7
/// and no infinities: 0x7F and 0xFF are NaN, and the largest value is 448. F8_E5M2 has 5 exponent bits with
/// bias 15, which is the upper byte of an f16. Every value is representable in f16. Source: OCP 8-bit
/// Floating Point Specification 1.0, section 5; torch's float8_e4m3fn and float8_e5m2.
void f8ToF32(DType type, const std::byte* in, float* out, int64_t count);

} // namespace nibblesmith::tensor
