// SPDX-License-Identifier: Apache-2.0
#include "calibration/magnitude.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/half.hpp"

#include <algorithm>
#include <vector>

namespace nibblesmith::calibration {

void MagnitudeAccumulator::add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
                               const std::stop_token& stop) {
  for (const tensor::Bf16Matrix* X : inputs)
    m_tokens += X->rows();
  // By channels, each adding up all sequences in their order: the same at any number of threads.
  constexpr int64_t kChannels = 256;
  pool.parallelFor(m_sum.size(), kChannels, [&](int64_t begin, int64_t end) {
    Eigen::ArrayXf row(end - begin);
    for (const tensor::Bf16Matrix* X : inputs) {
      base::throwIfStopped(stop);
      auto largest = m_largest.segment(begin, end - begin);
      Eigen::ArrayXf sum = Eigen::ArrayXf::Zero(end - begin);
      for (int64_t t = 0; t < X->rows(); ++t) {
        tensor::bf16ToF32(X->data() + t * X->cols() + begin, row.data(), end - begin);
        row = row.abs();
        sum += row;
        // A NaN comes in and stays.
        largest = (largest != largest || row <= largest).select(largest, row);
      }
      m_sum.segment(begin, end - begin) += sum.cast<double>();
    }
  });
}

tensor::Vector MagnitudeAccumulator::mean() const {
  return (m_sum / static_cast<double>(std::max<int64_t>(1, m_tokens))).cast<float>().matrix();
}

} // namespace nibblesmith::calibration
