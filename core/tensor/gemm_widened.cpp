// SPDX-License-Identifier: Apache-2.0
#include "tensor/gemm_widened.hpp"

#include "tensor/gemm.hpp"
#include "tensor/half.hpp"

#include <algorithm>
#include <memory>

namespace nibblesmith::tensor {

namespace {

/// Converts rows x cols bf16 values to a dense f32 matrix.
std::unique_ptr<float[]> widen(int64_t rows, int64_t cols, const uint16_t* values, int64_t ld) {
  auto wide = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(rows * cols));
  for (int64_t r = 0; r < rows; ++r)
    bf16ToF32(values + r * ld, wide.get() + r * cols, cols);
  return wide;
}

std::unique_ptr<float[]> widen(int64_t rows, int64_t cols, const int8_t* values, int64_t ld) {
  auto wide = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(rows * cols));
  for (int64_t r = 0; r < rows; ++r)
    std::copy_n(values + r * ld, cols, wide.get() + r * cols);
  return wide;
}

} // namespace

void widenedGemmNT(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                   int64_t ldb, float* C, int64_t ldc) {
  gemmNT(m, n, k, 1.0f, widen(m, k, A, lda).get(), k, widen(n, k, B, ldb).get(), k, 0.0f, C, ldc);
}

void widenedAddGemmTN(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                      int64_t ldb, float* C, int64_t ldc) {
  gemmTN(m, n, k, 1.0f, widen(k, m, A, lda).get(), m, widen(k, n, B, ldb).get(), n, 1.0f, C, ldc);
}

void widenedInt8GemmNT(int64_t m, int64_t n, int64_t k, const int8_t* A, int64_t lda, const int8_t* B,
                       int64_t ldb, float* C, int64_t ldc) {
  gemmNT(m, n, k, 1.0f, widen(m, k, A, lda).get(), k, widen(n, k, B, ldb).get(), k, 0.0f, C, ldc);
}

} // namespace nibblesmith::tensor
