// SPDX-License-Identifier: Apache-2.0
#include "calibration/hessian.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <string>

namespace nibblesmith::calibration {

namespace {

/// Tile width of the Gram matrix: small enough to waste little below the diagonal and to give two threads
/// enough tiles at width 576, large enough to amortize packing.
constexpr int64_t kTile = 192;
/// Rows of X per step: a tile of X stays in the cache, and a stop request is noticed in time.
constexpr int64_t kTokens = 1024;

struct Tile {
  int64_t row;
  int64_t col;
};

std::vector<Tile> upperTiles(int64_t size) {
  std::vector<Tile> tiles;
  for (int64_t row = 0; row < size; row += kTile)
    for (int64_t col = row; col < size; col += kTile)
      tiles.push_back({row, col});
  return tiles;
}

} // namespace

HessianAccumulator::HessianAccumulator(int64_t inFeatures)
    : m_sum(tensor::Matrix::Zero(inFeatures, inFeatures)) {}

void HessianAccumulator::add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
                             const std::stop_token& stop) {
  const int64_t n = inFeatures();
  for (const tensor::Bf16Matrix* X : inputs) {
    if (X->cols() != n)
      throw base::Error(base::ErrorCode::InvalidArgument, "Hessian: expected inputs of width " +
                                                              std::to_string(n) + ", found " +
                                                              std::to_string(X->cols()));
    m_tokens += X->rows();
  }
  const auto tiles = upperTiles(n);
  pool.parallelFor(static_cast<int64_t>(tiles.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const auto [row, col] = tiles[static_cast<size_t>(t)];
      const int64_t rows = std::min(kTile, n - row);
      const int64_t cols = std::min(kTile, n - col);
      for (const tensor::Bf16Matrix* X : inputs)
        for (int64_t token = 0; token < X->rows(); token += kTokens) {
          base::throwIfStopped(stop);
          const uint16_t* x = X->data() + token * n;
          tensor::bf16AddGemmTN(rows, cols, std::min(kTokens, X->rows() - token), x + row, n, x + col, n,
                                m_sum.data() + row * n + col, n);
        }
    }
  });
}

tensor::Matrix HessianAccumulator::take() {
  if (m_tokens == 0)
    throw base::Error(base::ErrorCode::InvalidArgument, "Hessian: expected calibration tokens, found none");
  const float factor = 2.0f / static_cast<float>(m_tokens);
  const int64_t n = inFeatures();
  tensor::Matrix H = std::move(m_sum);
  m_tokens = 0;
  // Square pieces, so that the column-wise writes stay in the cache.
  constexpr int64_t kPiece = 64;
  for (int64_t row = 0; row < n; row += kPiece)
    for (int64_t col = row; col < n; col += kPiece)
      for (int64_t i = row; i < std::min(row + kPiece, n); ++i)
        for (int64_t j = std::max(i, col); j < std::min(col + kPiece, n); ++j) {
          H(i, j) *= factor;
          H(j, i) = H(i, j);
        }
  return H;
}

} // namespace nibblesmith::calibration
