// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <span>
#include <stop_token>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::calibration {

/// Accumulates the mean and the largest |x| per channel of a linear layer's inputs. Not safe for concurrent
/// use; the work inside is distributed over the pool, and the result does not depend on it.
class MagnitudeAccumulator {
public:
  explicit MagnitudeAccumulator(int64_t channels)
      : m_sum(Eigen::ArrayXd::Zero(channels)), m_largest(Eigen::ArrayXf::Zero(channels)) {}

  /// Adds inputs: bf16 matrices [tokens, channels]. Throws base::Cancelled.
  void add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
           const std::stop_token& stop);
  /// Returns the mean |x| [channels]; 0 if nothing was added.
  tensor::Vector mean() const;
  /// Returns the largest |x| [channels]; 0 if nothing was added.
  tensor::Vector largest() const { return m_largest.matrix(); }

private:
  Eigen::ArrayXd m_sum;
  Eigen::ArrayXf m_largest;
  int64_t m_tokens = 0;
};

} // namespace nibblesmith::calibration
