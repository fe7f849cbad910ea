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

/// Gathers the mean and the largest |x| of each channel of a linear layer's inputs. One thread at a time; the
/// work inside is spread over the pool, and the result does not depend on it.
class MagnitudeAccumulator {
public:
  explicit MagnitudeAccumulator(int64_t channels)
      : m_sum(Eigen::ArrayXd::Zero(channels)), m_largest(Eigen::ArrayXf::Zero(channels)) {}

  /// inputs: bf16 [tokens, channels]. Throws base::Cancelled.
  void add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
           const std::stop_token& stop);
  /// [channels]; 0 where nothing was added.
  tensor::Vector mean() const;
  tensor::Vector largest() const { return m_largest.matrix(); }

private:
  Eigen::ArrayXd m_sum;
  Eigen::ArrayXf m_largest;
  int64_t m_tokens = 0;
};

} // namespace nibblesmith::calibration
