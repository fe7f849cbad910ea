// SPDX-License-Identifier: Apache-2.0
#include "quantization/book_grid.hpp"

#include "tensor/half.hpp"
#include "tensor/multiversion.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

namespace nibblesmith::quantization {

namespace {

constexpr float kLargestHalf = 65504.0f;
constexpr int64_t kPiece = 64;

/// Returns the factor that maps weights of a group with this scale to the range of the book.
inline float inverseOf(float scale) { return 1.0f / std::max(scale, 1e-38f); }

/// Counts the thresholds that w_i / scale_i exceeds into ranks[i].
NIB_MULTIVERSION void countThresholds(const float* weights, const float* scales, int64_t count,
                                      const float* thresholds, int64_t thresholdCount, int32_t* ranks) {
  float scaled[kPiece];
  for (int64_t i = 0; i < count; ++i) {
    // Kept separate from the comparison, so that the product is rounded alone, as in bitsandbytes.
    const float inverse = 1.0f / (scales[i] > 1e-38f ? scales[i] : 1e-38f);
    scaled[i] = weights[i] * inverse;
    ranks[i] = 0;
  }
  for (int64_t t = 0; t < thresholdCount; ++t)
    for (int64_t i = 0; i < count; ++i)
      ranks[i] += scaled[i] > thresholds[t] ? 1 : 0;
}

} // namespace

BookGrid::BookGrid(BookOptions options)
    : m_options(std::move(options)), m_bits(static_cast<int>(std::bit_width(m_options.book.size())) - 1),
      m_order(m_options.book.size()) {
  const std::vector<float>& book = m_options.book;
  std::iota(m_order.begin(), m_order.end(), uint8_t{0});
  std::stable_sort(m_order.begin(), m_order.end(), [&](uint8_t a, uint8_t b) { return book[a] < book[b]; });
  for (size_t i = 0; i + 1 < m_order.size(); ++i)
    m_thresholds.push_back((book[m_order[i]] + book[m_order[i + 1]]) / 2.0f);
}

double BookGrid::squaredError(std::span<const float> weights, std::span<const float> importance,
                              float scale) const {
  std::vector<uint8_t> codes(weights.size());
  std::vector<float> values(weights.size());
  roundGroup(weights.data(), {scale, 0.0f, {}}, std::ssize(weights), codes.data(), values.data());
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double error = static_cast<double>(values[i]) - static_cast<double>(weights[i]);
    sum += (importance.empty() ? 1.0 : static_cast<double>(importance[i])) * error * error;
  }
  return sum;
}

GroupParameters BookGrid::fit(std::span<const float> weights, std::span<const float> importance) const {
  float largest = 0.0f;
  for (const float w : weights)
    largest = std::max(largest, std::abs(w));
  if (largest == 0.0f)
    return {0.0f, 0.0f, {}};
  const auto storable = [this](float scale) {
    constexpr float kLargestPower = 32768.0f; // largest power of two in f16
    if (!m_options.powerOfTwoScale || scale > kLargestHalf)
      return scale;
    return std::min(std::exp2(std::nearbyint(std::log2(scale))), kLargestPower);
  };
  float best = storable(largest);
  if (!(best <= kLargestHalf))
    return {std::numeric_limits<float>::infinity(), 0.0f, {}};
  if (!m_options.searchScale)
    return {best, 0.0f, {}};
  // Scales down to 20 % in steps of 2 %; powers of two repeat, so duplicates are skipped.
  double least = squaredError(weights, importance, best);
  float last = best;
  for (int step = 1; step <= 40; ++step) {
    const float candidate = storable(largest * (1.0f - static_cast<float>(step) / 50.0f));
    if (candidate == last)
      continue;
    last = candidate;
    if (const double error = squaredError(weights, importance, candidate); error < least) {
      least = error;
      best = candidate;
    }
  }
  return {best, 0.0f, {}};
}

double BookGrid::fitCost(int64_t count) const {
  // 40 candidates, each rounding all weights.
  return m_options.searchScale ? 40.0 * 330.0 * static_cast<double>(count) : 0.0;
}

uint8_t BookGrid::encode(float weight, const GroupParameters& group) const {
  const float scaled = weight * inverseOf(group.scale);
  const auto rank = std::lower_bound(m_thresholds.begin(), m_thresholds.end(), scaled) - m_thresholds.begin();
  return m_order[static_cast<size_t>(rank)];
}

float BookGrid::decode(uint8_t code, const GroupParameters& group) const {
  return tensor::roundToF16(group.scale * m_options.book[code]);
}

void BookGrid::roundMany(const float* weights, const WeightParameters& parameters, int64_t count,
                         uint8_t* codes, float* values) const {
  int32_t ranks[kPiece];
  uint16_t halves[kPiece];
  for (int64_t begin = 0; begin < count; begin += kPiece) {
    const int64_t n = std::min(kPiece, count - begin);
    const float* scales = parameters.scales + begin;
    countThresholds(weights + begin, scales, n, m_thresholds.data(), std::ssize(m_thresholds), ranks);
    for (int64_t i = 0; i < n; ++i) {
      codes[begin + i] = m_order[static_cast<size_t>(ranks[i])];
      values[begin + i] = scales[i] * m_options.book[codes[begin + i]];
    }
    tensor::f32ToF16(values + begin, halves, n);
    tensor::f16ToF32(halves, values + begin, n);
  }
}

} // namespace nibblesmith::quantization
