// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>

namespace nibblesmith::tensor {

void parallelGemmNT(int64_t tokens, int64_t outFeatures, int64_t inFeatures, const float* x, int64_t ldx,
                    const float* W, int64_t ldw, float* y, int64_t ldy, base::ThreadPool& pool) {
  // Large enough to amortize packing, small enough that a few tokens still occupy every thread.
  constexpr int64_t kTokenTile = 256;
  const int64_t outTile = tokens >= kTokenTile ? 512 : 128;
  const int64_t tokenTiles = (tokens + kTokenTile - 1) / kTokenTile;
  const int64_t outTiles = (outFeatures + outTile - 1) / outTile;
  pool.parallelFor(tokenTiles * outTiles, 1, [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t t = tile / outTiles * kTokenTile;
      const int64_t o = tile % outTiles * outTile;
      gemmNT(std::min(kTokenTile, tokens - t), std::min(outTile, outFeatures - o), inFeatures, 1.0f,
             x + t * ldx, ldx, W + o * ldw, ldw, 0.0f, y + t * ldy + o, ldy);
    }
  });
}

} // namespace nibblesmith::tensor
