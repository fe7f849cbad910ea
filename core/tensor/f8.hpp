// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/dtype.hpp"

#include <cstddef>

namespace nibblesmith::tensor {

/// f32 values of `count` bytes of F8_E4M3 (4 exponent bits of bias 7, no infinities: 0x7F and 0xFF are NaN,
/// so that the largest is 448) or F8_E5M2 (5 exponent bits of bias 15: the upper half of an f16). All are f16
/// values. Source: OCP 8-bit Floating Point Specification 1.0, section 5; torch's float8_e4m3fn and
/// float8_e5m2.
void f8ToF32(DType type, const std::byte* in, float* out, int64_t count);

} // namespace nibblesmith::tensor
