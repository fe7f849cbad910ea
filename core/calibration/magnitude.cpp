// SPDX-License-Identifier: Apache-2.0
#include "calibration/magnitude.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/multiversion.hpp"

#include <algorithm>
#include <bit>

namespace nibblesmith::calibration {

namespace {

/// Tokens that are added to each other before they are added to the sums, which so stay longer in registers.
constexpr int64_t kTokens = 8;

/// Up to kTokens tokens, `stride` apart: sum += |x|, largest = max(largest, |x|). Magnitudes are compared as integers, in
/// which a NaN is larger than all else: it comes in and stays.
template <int64_t tokens>
inline void addTokens(const uint16_t* x, int64_t stride, int64_t channels, float* sum, float* largest) {
  for (int64_t i = 0; i < channels; ++i) {
    float added = 0;
    uint32_t most = std::bit_cast<uint32_t>(largest[i]);
    for (int64_t t = 0; t < tokens; ++t) {
      const uint32_t bits = (static_cast<uint32_t>(x[t * stride + i]) & 0x7FFFu) << 16;
      added += std::bit_cast<float>(bits);
      most = std::max(most, bits);
    }
    sum[i] += added;
    largest[i] = std::bit_cast<float>(most);
  }
}

NIB_MULTIVERSION void addAllTokens(const uint16_t* x, int64_t tokens, int64_t stride, int64_t channels, float* sum,
                                   float* largest) {
  int64_t t = 0;
  for (; t + kTokens <= tokens; t += kTokens)
    addTokens<kTokens>(x + t * stride, stride, channels, sum, largest);
  for (; t < tokens; ++t)
    addTokens<1>(x + t * stride, stride, channels, sum, largest);
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
      addAllTokens(X->data() + begin, X->rows(), X->cols(), end - begin, sum.data(), m_largest.data() + begin);
      m_sum.segment(begin, end - begin) += sum.cast<double>();
    }
  });
}

tensor::Vector MagnitudeAccumulator::mean() const {
  return (m_sum / static_cast<double>(std::max<int64_t>(1, m_tokens))).cast<float>().matrix();
}

} // namespace nibblesmith::calibration
