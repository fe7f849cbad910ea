// SPDX-License-Identifier: Apache-2.0
#include "tensor/gemm.hpp"

#include "tensor/gemm_widened.hpp"
#include "tensor/multiversion.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

// Packed, blocked product after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication"
// (2008): panels of A and B are copied so that the innermost kernel reads both sequentially and keeps its
// tile of C in registers. Compiled for several x86-64 levels; one 64-byte vector is 1, 2 or 4 registers
// there, 4 on Arm.

namespace nibblesmith::tensor {

namespace {

using Lanes = float __attribute__((vector_size(64)));

constexpr int64_t kRows = 6;  ///< rows of the register tile
constexpr int64_t kCols = 16; ///< columns of the register tile: one Lanes
/// Depth of one panel: one sliver of kRows and one of kCols fit in the L1 cache.
constexpr int64_t kDepth = 256;
constexpr int64_t kPanelRows = 96;
constexpr int64_t kPanelCols = 512;

/// Matrix operand read through strides: element (i, j) is data[i * rowStride + j * colStride].
struct Operand {
  const float* data;
  int64_t rowStride;
  int64_t colStride;
};

/// Copies rows [row, row + rows) and depths [depth, depth + depths) as slivers of `width` rows, padded with
/// zeros: [sliver][depth][width].
void pack(const Operand& source, int64_t row, int64_t rows, int64_t depth, int64_t depths, int64_t width,
          float* out) {
  for (int64_t sliver = 0; sliver < rows; sliver += width) {
    const int64_t filled = std::min(width, rows - sliver);
    for (int64_t r = 0; r < width; ++r) {
      const float* in = source.data + (row + sliver + r) * source.rowStride + depth * source.colStride;
      float* column = out + r;
      if (r < filled)
        for (int64_t p = 0; p < depths; ++p)
          column[p * width] = in[p * source.colStride];
      else
        for (int64_t p = 0; p < depths; ++p)
          column[p * width] = 0.0f;
    }
    out += width * depths;
  }
}

/// tile[kRows][kCols] = A sliver [depths][kRows] times B sliver [depths][kCols].
NIB_MULTIVERSION void multiplySlivers(const float* a, const float* b, int64_t depths, float* tile) {
  Lanes sum0{}, sum1{}, sum2{}, sum3{}, sum4{}, sum5{};
  for (int64_t p = 0; p < depths; ++p) {
    Lanes row;
    std::memcpy(&row, b, sizeof(row));
    sum0 += a[0] * row;
    sum1 += a[1] * row;
    sum2 += a[2] * row;
    sum3 += a[3] * row;
    sum4 += a[4] * row;
    sum5 += a[5] * row;
    a += kRows;
    b += kCols;
  }
  const Lanes sums[kRows] = {sum0, sum1, sum2, sum3, sum4, sum5};
  std::memcpy(tile, sums, sizeof(sums));
}

void addTile(const float* tile, float alpha, float* C, int64_t rows, int64_t cols, int64_t ldc) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j)
      C[i * ldc + j] += alpha * tile[i * kCols + j];
}

void scale(float beta, float* C, int64_t m, int64_t n, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      C[i * ldc + j] = beta == 0.0f ? 0.0f : beta * C[i * ldc + j];
}

int64_t roundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

/// C = alpha A B^T + beta C with A [m, k] and B [n, k] read through their strides.
void product(int64_t m, int64_t n, int64_t k, float alpha, const Operand& A, const Operand& B, float beta,
             float* C, int64_t ldc) {
  scale(beta, C, m, n, ldc);
  const int64_t maxDepth = std::min(k, kDepth);
  std::vector<float> packedA(static_cast<size_t>(roundUp(std::min(m, kPanelRows), kRows) * maxDepth));
  std::vector<float> packedB(static_cast<size_t>(roundUp(std::min(n, kPanelCols), kCols) * maxDepth));
  alignas(64) float tile[kRows * kCols];
  for (int64_t p = 0; p < k; p += kDepth) {
    const int64_t depths = std::min(kDepth, k - p);
    for (int64_t j = 0; j < n; j += kPanelCols) {
      const int64_t cols = std::min(kPanelCols, n - j);
      pack(B, j, cols, p, depths, kCols, packedB.data());
      for (int64_t i = 0; i < m; i += kPanelRows) {
        const int64_t rows = std::min(kPanelRows, m - i);
        pack(A, i, rows, p, depths, kRows, packedA.data());
        for (int64_t jj = 0; jj < cols; jj += kCols)
          for (int64_t ii = 0; ii < rows; ii += kRows) {
            multiplySlivers(packedA.data() + ii * depths, packedB.data() + jj * depths, depths, tile);
            addTile(tile, alpha, C + (i + ii) * ldc + j + jj, std::min(kRows, rows - ii),
                    std::min(kCols, cols - jj), ldc);
          }
      }
    }
  }
}

} // namespace

void gemmNT(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc) {
  product(m, n, k, alpha, {A, lda, 1}, {B, ldb, 1}, beta, C, ldc);
}

void gemmNN(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc) {
  product(m, n, k, alpha, {A, lda, 1}, {B, 1, ldb}, beta, C, ldc);
}

void gemmTN(int64_t m, int64_t n, int64_t k, float alpha, const float* A, int64_t lda, const float* B,
            int64_t ldb, float beta, float* C, int64_t ldc) {
  product(m, n, k, alpha, {A, 1, lda}, {B, 1, ldb}, beta, C, ldc);
}

bool hasBf16Instructions() { return false; }
bool hasInt8Instructions() { return false; }

void bf16GemmNT(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                int64_t ldb, float* C, int64_t ldc) {
  widenedGemmNT(m, n, k, A, lda, B, ldb, C, ldc);
}

void bf16AddGemmTN(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                   int64_t ldb, float* C, int64_t ldc) {
  widenedAddGemmTN(m, n, k, A, lda, B, ldb, C, ldc);
}

void int8GemmNT(int64_t m, int64_t n, int64_t k, const int8_t* A, int64_t lda, const int8_t* B, int64_t ldb,
                float* C, int64_t ldc) {
  widenedInt8GemmNT(m, n, k, A, lda, B, ldb, C, ldc);
}

} // namespace nibblesmith::tensor
