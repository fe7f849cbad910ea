// SPDX-License-Identifier: Apache-2.0
#include "calibration/magnitude.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/multiversion.hpp"

#include <algorithm>
#include <bit>

namespace nibblesmith::calibration {

namespace {

/// One token's channels: sum += |x|, largest = max(largest, |x|). Magnitudes are compared as integers, in which a NaN is
/// larger than all else: it comes in and stays.
NIB_MULTIVERSION void addToken(const uint16_t* x, int64_t channels, float* sum, float* largest) {
  for (int64_t i = 0; i < channels; ++i) {
    const uint32_t bits = (static_cast<uint32_t>(x[i]) & 0x7FFFu) << 16;
    sum[i] += std::bit_cast<float>(bits);
    largest[i] = std::bit_cast<float>(std::max(std::bit_cast<uint32_t>(largest[i]), bits));
  }
}

} // namespace

void MagnitudeAccumulator::add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
                               const std::stop_token& stop) {
  for (const tensor::Bf16Matrix* X : inputs)
    m_tokens += X->rows();
  // By channels, each adding up all sequences in their order: the same at any number of threads.
  constexpr int64_t kChannels = 256;
  pool.parallelFor(m_sum.size(), kChannels, [&](int64_t begin, int64_t end) {
    for (const tensor::Bf16Matrix* X : inputs) {
      base::throwIfStopped(stop);
      Eigen::ArrayXf sum = Eigen::ArrayXf::Zero(end - begin);
      for (int64_t t = 0; t < X->rows(); ++t)
        addToken(X->data() + t * X->cols() + begin, end - begin, sum.data(), m_largest.data() + begin);
      m_sum.segment(begin, end - begin) += sum.cast<double>();
    }
  });
}

tensor::Vector MagnitudeAccumulator::mean() const {
  return (m_sum / static_cast<double>(std::max<int64_t>(1, m_tokens))).cast<float>().matrix();
}

} // namespace nibblesmith::calibration
