// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace nibblesmith::tensor {

/// Fallbacks of bf16GemmNT() and bf16AddGemmTN() for CPUs without bf16 instructions: they widen the values to
/// f32 and multiply there, which makes every single product exact.
void widenedGemmNT(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                   int64_t ldb, float* C, int64_t ldc);
void widenedAddGemmTN(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                      int64_t ldb, float* C, int64_t ldc);

/// Fallback of int8GemmNT() for CPUs without int8 instructions: widens the codes to f32, where sums below
/// 2^24 are exact.
void widenedInt8GemmNT(int64_t m, int64_t n, int64_t k, const int8_t* A, int64_t lda, const int8_t* B,
                       int64_t ldb, float* C, int64_t ldc);

} // namespace nibblesmith::tensor
