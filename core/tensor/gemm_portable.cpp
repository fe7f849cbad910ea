// SPDX-License-Identifier: Apache-2.0
#include "tensor/gemm.hpp"

#include "tensor/matrix.hpp"

namespace nibblesmith::tensor {

namespace {

MatrixView in(const float* data, int64_t rows, int64_t cols, int64_t stride) {
  return {data, rows, cols, Eigen::OuterStride<>(stride)};
}

template <typename Product>
void store(const Product& product, float alpha, float beta, float* C, int64_t m, int64_t n, int64_t ldc) {
  MutableMatrixView out(C, m, n, Eigen::OuterStride<>(ldc));
  if (beta == 0.0f)
    out.noalias() = alpha * product;
  else {
    out *= beta;
    out.noalias() += alpha * product;
  }
}

} // namespace

void gemmNT(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc) {
  store(in(A, m, k, lda) * in(B, n, k, ldb).transpose(), alpha, beta, C, m, n, ldc);
}

void gemmNN(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc) {
  store(in(A, m, k, lda) * in(B, k, n, ldb), alpha, beta, C, m, n, ldc);
}

void gemmTN(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc) {
  store(in(A, k, m, lda).transpose() * in(B, k, n, ldb), alpha, beta, C, m, n, ldc);
}

} // namespace nibblesmith::tensor
