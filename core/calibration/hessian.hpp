// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::calibration {

/// Gathers H = 2/n X^T X of a linear layer's inputs X [n, inFeatures] over all calibration tokens: the
/// Hessian of the layer's squared output error, the same for every output row. Source: GPTQ (arXiv
/// 2210.17323), eq. 2. One thread at a time; the work inside is spread over the pool.
class HessianAccumulator {
public:
  explicit HessianAccumulator(int64_t inFeatures);

  int64_t inFeatures() const { return m_sum.rows(); }
  int64_t tokens() const { return m_tokens; }

  /// Adds the rows of all `inputs` [tokens, inFeatures], bf16 summed up in f32 and in their order. The matrix
  /// is cut into fixed tiles, so the result does not depend on the number of threads. Throws
  /// base::Error{InvalidArgument} on another width, base::Cancelled.
  void add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
           const std::stop_token& stop);

  /// [inFeatures, inFeatures], symmetric; the accumulator takes no more inputs then. Throws
  /// base::Error{InvalidArgument} where nothing was added.
  tensor::Matrix take();

private:
  tensor::Matrix m_sum; ///< X^T X; tiles on and above the diagonal only
  int64_t m_tokens = 0;
};

} // namespace nibblesmith::calibration
