// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace nibblesmith::tensor {

/// bf16GemmNT() and bf16AddGemmTN() of gemm.hpp on processors without bf16 instructions: the values are
/// widened and multiplied in f32, which is exact for each product.
void widenedGemmNT(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                   int64_t ldb, float* C, int64_t ldc);
void widenedAddGemmTN(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                      int64_t ldb, float* C, int64_t ldc);

/// int8GemmNT() of gemm.hpp, likewise.
void widenedInt8GemmNT(int64_t m, int64_t n, int64_t k, const int8_t* A, int64_t lda, const int8_t* B,
                       int64_t ldb, float* C, int64_t ldc);

} // namespace nibblesmith::tensor
