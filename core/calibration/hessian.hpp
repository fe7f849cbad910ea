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

/// Accumulates H = 2/n X^T X of a linear layer's inputs X [n, inFeatures] over all calibration tokens: the
/// Hessian of the layer's squared output error, equal for every output row. Source: GPTQ (arXiv 2210.17323),
/// eq. 2. Not safe for concurrent use; the work inside is distributed over the pool.
class HessianAccumulator {
public:
  explicit HessianAccumulator(int64_t inFeatures);

  int64_t inFeatures() const { return m_sum.rows(); }
  /// Number of tokens added so far.
  int64_t tokens() const { return m_tokens; }

  /// Adds the rows of all `inputs` [tokens, inFeatures], bf16 values accumulated in f32 in their order. The
  /// matrix is divided into fixed tiles, so the result does not depend on the number of threads. Throws
  /// base::Error{InvalidArgument} on another width, base::Cancelled.
  void add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
           const std::stop_token& stop);

  /// Returns H [inFeatures, inFeatures], symmetric. Call it once, after the last add(). Throws
  /// base::Error{InvalidArgument} if no tokens were added.
  tensor::Matrix take();

private:
  tensor::Matrix m_sum; ///< X^T X, only tiles on and above the diagonal
  int64_t m_tokens = 0;
};

} // namespace nibblesmith::calibration
