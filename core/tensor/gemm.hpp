// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::tensor {

/// Single-threaded products of row-major f32 matrices with leading dimensions (elements from one row to
/// the next). Callable from several threads at once on different outputs.

/// C[m,n] = alpha * A[m,k] * B[n,k]^T + beta * C. The linear layer: x W^T.
void gemmNT(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc);
/// C[m,n] = alpha * A[m,k] * B[k,n] + beta * C.
void gemmNN(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc);
/// C[m,n] = alpha * A[k,m]^T * B[k,n] + beta * C. Gram matrices: X^T X.
void gemmTN(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc);

/// Products of bf16 values, given as bit patterns, added up in f32: twice as fast as those of f32 where the
/// processor has instructions for them, by f32 products of the same values elsewhere. Single-threaded, too.

bool hasBf16Instructions();
/// C[m,n] = A[m,k] * B[n,k]^T.
void bf16GemmNT(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                int64_t ldb, float* C, int64_t ldc);
/// C[m,n] += A[k,m]^T * B[k,n].
void bf16AddGemmTN(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                   int64_t ldb, float* C, int64_t ldc);

/// C[m,n] = A[m,k] * B[n,k]^T of codes from -127 to 127, as f32: exact for k up to 1040, where sums stay
/// below 2^24. Twice as fast as bf16 products where the processor has instructions for them, by f32 products
/// elsewhere.
void int8GemmNT(int64_t m, int64_t n, int64_t k, const int8_t* A, int64_t lda, const int8_t* B, int64_t ldb,
                float* C, int64_t ldc);
bool hasInt8Instructions();

/// y[tokens,outFeatures] = x[tokens,inFeatures] * W[outFeatures,inFeatures]^T over the pool's threads, in
/// tiles that depend on the shapes alone.
void parallelGemmNT(int64_t tokens, int64_t outFeatures, int64_t inFeatures, const float* x, int64_t ldx,
                    const float* W, int64_t ldw, float* y, int64_t ldy, base::ThreadPool& pool);

} // namespace nibblesmith::tensor
