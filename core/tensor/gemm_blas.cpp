// SPDX-License-Identifier: Apache-2.0
#include "tensor/gemm.hpp"

#include <cstdlib>

#include <cblas.h>

// OpenBLAS 0.3 picks its kernels by CPU model number when it is loaded. Unknown models (virtual machines, new
// CPUs) get the kernels of a Prescott from 2004, which are five to ten times slower. These functions repeat
// the choice. They are weak symbols, because OpenBLAS builds for a single kernel lack them.
extern "C" {
[[gnu::weak]] void gotoblas_dynamic_init();
[[gnu::weak]] void gotoblas_dynamic_quit();
}

namespace nibblesmith::tensor {

namespace {

/// Returns OpenBLAS' name for kernels that match this CPU's features; null keeps OpenBLAS' own choice.
const char* coreByFeatures() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return "Haswell";
#endif
  return nullptr;
}

/// Runs before main(), so no product is in progress. A choice by the user in OPENBLAS_CORETYPE is kept.
const bool kCoreChosen = [] {
  openblas_set_num_threads(1);
  const char* core = coreByFeatures();
  if (core && !std::getenv("OPENBLAS_CORETYPE") && gotoblas_dynamic_init && gotoblas_dynamic_quit) {
    ::setenv("OPENBLAS_CORETYPE", core, 0);
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
  }
  return true;
}();

void gemm(CBLAS_TRANSPOSE transA, CBLAS_TRANSPOSE transB, int64_t m, int64_t n, int64_t k, float alpha,
          const float* A, int64_t lda, const float* B, int64_t ldb, float beta, float* C, int64_t ldc) {
  cblas_sgemm(CblasRowMajor, transA, transB, static_cast<blasint>(m), static_cast<blasint>(n),
              static_cast<blasint>(k), alpha, A, static_cast<blasint>(lda), B, static_cast<blasint>(ldb),
              beta, C, static_cast<blasint>(ldc));
}

} // namespace

void gemmNT(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc) {
  gemm(CblasNoTrans, CblasTrans, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
}

void gemmNN(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc) {
  gemm(CblasNoTrans, CblasNoTrans, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
}

void gemmTN(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc) {
  gemm(CblasTrans, CblasNoTrans, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
}

} // namespace nibblesmith::tensor
