// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::tensor {

/// Single-threaded products of row-major f32 matrices. lda, ldb and ldc are leading dimensions: the distance
/// between consecutive rows, in elements. Safe to call from several threads at once on different outputs.

/// C[m,n] = alpha * A[m,k] * B[n,k]^T + beta * C. Used for linear layers: x W^T.
void gemmNT(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc);
/// C[m,n] = alpha * A[m,k] * B[k,n] + beta * C.
void gemmNN(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc);
/// C[m,n] = alpha * A[k,m]^T * B[k,n] + beta * C. Used for Gram matrices: X^T X.
void gemmTN(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc);

/// Single-threaded products of bf16 matrices, given as bit patterns, accumulated in f32. About twice as fast
/// as f32 where the CPU has bf16 instructions. Elsewhere the values are widened and multiplied in f32.

/// Returns true if this CPU multiplies bf16 natively (AVX-512 BF16).
bool hasBf16Instructions();
/// C[m,n] = A[m,k] * B[n,k]^T.
void bf16GemmNT(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                int64_t ldb, float* C, int64_t ldc);
/// C[m,n] += A[k,m]^T * B[k,n].
void bf16AddGemmTN(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                   int64_t ldb, float* C, int64_t ldc);

/// C[m,n] = A[m,k] * B[n,k]^T for codes in -127..127, returned as f32. Exact for k <= 1040, where every sum
/// stays below 2^24. About twice as fast as bf16 where the CPU has int8 dot-product instructions; elsewhere
/// the codes are widened and multiplied in f32.
void int8GemmNT(int64_t m, int64_t n, int64_t k, const int8_t* A, int64_t lda, const int8_t* B, int64_t ldb,
                float* C, int64_t ldc);
/// Returns true if this CPU has int8 dot-product instructions (AVX-512 VNNI).
bool hasInt8Instructions();

/// y[tokens,outFeatures] = x[tokens,inFeatures] * W[outFeatures,inFeatures]^T, parallelized over `pool`. The
/// tiles depend only on the shapes, so the result does not depend on the number of threads.
void parallelGemmNT(int64_t tokens, int64_t outFeatures, int64_t inFeatures, const float* x, int64_t ldx,
                    const float* W, int64_t ldw, float* y, int64_t ldy, base::ThreadPool& pool);

} // namespace nibblesmith::tensor
