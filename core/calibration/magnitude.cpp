// SPDX-License-Identifier: Apache-2.0
#include "calibration/magnitude.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/multiversion.hpp"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

namespace nibblesmith::calibration {

namespace {

/// Number of tokens added together before they are added to the sums, which keeps intermediate values in
/// registers.
constexpr int64_t kTokens = 8;

/// Adds some tokens: sum += |x|, largest = max(largest, |x|). Magnitudes are compared as integers, where NaN
/// is larger than everything, so a NaN is kept.
template <int64_t tokens>
inline void addTokens(const uint16_t* x, int64_t channels, float* sum, float* largest) {
  for (int64_t i = 0; i < channels; ++i) {
    float added = 0;
    uint32_t most = std::bit_cast<uint32_t>(largest[i]);
    for (int64_t t = 0; t < tokens; ++t) {
      const uint32_t bits = (static_cast<uint32_t>(x[t * channels + i]) & 0x7FFFu) << 16;
      added += std::bit_cast<float>(bits);
      most = std::max(most, bits);
    }
    sum[i] += added;
    largest[i] = std::bit_cast<float>(most);
  }
}

NIB_MULTIVERSION void addAllTokens(const uint16_t* x, int64_t tokens, int64_t channels, float* sum,
                                   float* largest) {
  int64_t t = 0;
  for (; t + kTokens <= tokens; t += kTokens)
    addTokens<kTokens>(x + t * channels, channels, sum, largest);
  for (; t < tokens; ++t)
    addTokens<1>(x + t * channels, channels, sum, largest);
}

} // namespace

void MagnitudeAccumulator::add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
                               const std::stop_token& stop) {
  // Processes runs of tokens sequentially. Each run has its own row of sums; rows are added in order, so the
  // result does not depend on the number of threads.
  constexpr int64_t kRun = 512;
  std::vector<std::pair<const uint16_t*, int64_t>> runs;
  for (const tensor::Bf16Matrix* X : inputs)
    for (int64_t token = 0; token < X->rows(); token += kRun)
      runs.emplace_back(X->row(token).data(), std::min(kRun, X->rows() - token));
  const int64_t channels = m_sum.size();
  tensor::Matrix sums = tensor::Matrix::Zero(std::ssize(runs), channels);
  tensor::Matrix largest = sums;
  pool.parallelFor(std::ssize(runs), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      base::throwIfStopped(stop);
      const auto [x, tokens] = runs[static_cast<size_t>(i)];
      addAllTokens(x, tokens, channels, sums.row(i).data(), largest.row(i).data());
    }
  });
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    m_tokens += runs[i].second;
    m_sum += sums.row(row).transpose().array().cast<double>();
    for (int64_t c = 0; c < channels; ++c)
      m_largest[c] = std::bit_cast<float>(
          std::max(std::bit_cast<uint32_t>(m_largest[c]), std::bit_cast<uint32_t>(largest(row, c))));
  }
}

tensor::Vector MagnitudeAccumulator::mean() const {
  return (m_sum / static_cast<double>(std::max<int64_t>(1, m_tokens))).cast<float>().matrix();
}

} // namespace nibblesmith::calibration
