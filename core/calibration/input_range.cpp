// SPDX-License-Identifier: Apache-2.0
#include "calibration/input_range.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/bf16_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace nibblesmith::calibration {

namespace {

/// Converts a sequence's inputs to f32 and multiplies the channels by `inverse`, if given.
tensor::Matrix valuesOf(const tensor::Bf16Matrix& inputs, const tensor::Vector& inverse) {
  tensor::Matrix values = tensor::widened(inputs);
  if (inverse.size() > 0)
    values.array().rowwise() *= inverse.transpose().array();
  return values;
}

float binEdge(const MagnitudeHistogram& histogram, int64_t edge) {
  return static_cast<float>(static_cast<double>(histogram.maximum) * static_cast<double>(edge) /
                            kHistogramBins);
}

/// KL divergence of the first `bins` bins from their merged levels; `above` counts the values of P beyond,
/// which its last bin includes.
double divergence(const MagnitudeHistogram& histogram, int bins, int64_t above, int levels) {
  std::vector<double> P(histogram.counts.begin(), histogram.counts.begin() + bins);
  P.back() += static_cast<double>(above);
  std::vector<double> Q(static_cast<size_t>(bins), 0.0);
  double totalQ = 0;
  for (int level = 0; level < levels; ++level) {
    // Bins i with floor(i levels / bins) = level.
    const int begin = (level * bins + levels - 1) / levels;
    const int end = ((level + 1) * bins + levels - 1) / levels;
    int64_t sum = 0;
    int filled = 0;
    for (int i = begin; i < end; ++i) {
      sum += histogram.counts[static_cast<size_t>(i)];
      filled += P[static_cast<size_t>(i)] > 0 ? 1 : 0;
    }
    for (int i = begin; i < end; ++i)
      if (P[static_cast<size_t>(i)] > 0)
        Q[static_cast<size_t>(i)] = static_cast<double>(sum) / filled;
    totalQ += static_cast<double>(sum);
  }
  double totalP = 0;
  for (const double p : P)
    totalP += p;
  double result = 0;
  for (size_t i = 0; i < P.size(); ++i) {
    if (!(P[i] > 0))
      continue;
    // A level with P > 0 but Q = 0 (all of its values are beyond the cut): this cut is not allowed.
    if (!(Q[i] > 0))
      return std::numeric_limits<double>::infinity();
    result += P[i] / totalP * std::log(P[i] / totalP / (Q[i] / totalQ));
  }
  return result;
}

} // namespace

float percentileClip(const MagnitudeHistogram& histogram, double percentile) {
  double total = 0;
  for (const int64_t count : histogram.counts)
    total += static_cast<double>(count);
  double below = 0;
  for (int64_t bin = 0; bin < kHistogramBins; ++bin) {
    below += static_cast<double>(histogram.counts[static_cast<size_t>(bin)]);
    if (below >= percentile / 100.0 * total)
      return binEdge(histogram, bin + 1);
  }
  return histogram.maximum;
}

float meanSquaredErrorClip(const MagnitudeHistogram& histogram, int bits) {
  const double width = static_cast<double>(histogram.maximum) / kHistogramBins;
  const int levels = (1 << (bits - 1)) - 1;
  double least = std::numeric_limits<double>::infinity();
  double best = static_cast<double>(histogram.maximum);
  for (int candidate = levels + 1; candidate < kHistogramBins; ++candidate) {
    const double clip = (candidate + 0.5) * width;
    const double scale = clip / levels;
    double error = 0;
    for (int bin = 0; bin < kHistogramBins; ++bin) {
      const double centre = (bin + 0.5) * width;
      const double difference = scale * std::min<double>(std::nearbyint(centre / scale), levels) - centre;
      error += static_cast<double>(histogram.counts[static_cast<size_t>(bin)]) * difference * difference;
    }
    if (error < least) {
      least = error;
      best = clip;
    }
  }
  return static_cast<float>(best);
}

float klDivergenceClip(const MagnitudeHistogram& histogram, int bits) {
  const int levels = 1 << (bits - 1);
  int64_t above = 0;
  for (int bin = levels; bin < kHistogramBins; ++bin)
    above += histogram.counts[static_cast<size_t>(bin)];
  double least = std::numeric_limits<double>::infinity();
  int best = kHistogramBins;
  for (int bins = levels; bins <= kHistogramBins; ++bins) {
    if (const double found = divergence(histogram, bins, above, levels); found < least) {
      least = found;
      best = bins;
    }
    if (bins < kHistogramBins)
      above -= histogram.counts[static_cast<size_t>(bins)];
  }
  return binEdge(histogram, best);
}

bool needsHistogram(RangeMethod method) {
  return method != RangeMethod::MinMax && method != RangeMethod::MovingAverage;
}

InputRangeFinder::InputRangeFinder(const RangeOptions& options, std::string name, tensor::Vector scales)
    : m_options(options), m_name(std::move(name)), m_inverse(scales.cwiseInverse()) {}

void InputRangeFinder::add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
                           const std::stop_token& stop) {
  std::vector<InputRange> extremes(inputs.size());
  std::vector<MagnitudeHistogram> histograms(m_isCounting ? inputs.size() : 0);
  const double binsPerUnit = kHistogramBins / static_cast<double>(m_histogram.maximum);
  pool.parallelFor(std::ssize(inputs), 1, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      base::throwIfStopped(stop);
      const auto at = static_cast<size_t>(s);
      const tensor::Matrix X = valuesOf(*inputs[at], m_inverse);
      if (m_isCounting) {
        for (int64_t i = 0; i < X.size(); ++i) {
          const double bin = static_cast<double>(std::abs(X.data()[i])) * binsPerUnit;
          ++histograms[at].counts[static_cast<size_t>(
              std::min<int64_t>(static_cast<int64_t>(bin), kHistogramBins - 1))];
        }
      } else if (X.size() > 0) {
        if (!X.allFinite())
          throw base::Error(base::ErrorCode::Numerical, "input of '" + m_name +
                                                            "': expected finite values, found NaN or "
                                                            "infinity in calibration sequence " +
                                                            std::to_string(m_sequences + s));
        extremes[at] = {std::min(0.0f, X.minCoeff()), std::max(0.0f, X.maxCoeff())};
      }
    }
  });
  for (const MagnitudeHistogram& histogram : histograms)
    for (size_t bin = 0; bin < histogram.counts.size(); ++bin)
      m_histogram.counts[bin] += histogram.counts[bin];
  if (!m_isCounting)
    for (const InputRange& one : extremes)
      addExtremes(one);
}

void InputRangeFinder::addExtremes(const InputRange& extremes) {
  const double weight = m_sequences++ == 0 ? 1.0 : m_options.averagingConstant;
  m_averageMinimum += weight * (static_cast<double>(extremes.minimum) - m_averageMinimum);
  m_averageMaximum += weight * (static_cast<double>(extremes.maximum) - m_averageMaximum);
  m_extremes = {std::min(m_extremes.minimum, extremes.minimum),
                std::max(m_extremes.maximum, extremes.maximum)};
}

void InputRangeFinder::endPass() {
  m_histogram.maximum = std::max(-m_extremes.minimum, m_extremes.maximum);
  m_isDone = m_isCounting || !needsHistogram(m_options.method) || !(m_histogram.maximum > 0);
  m_isCounting = true;
}

InputRange InputRangeFinder::range() const {
  float clip = m_histogram.maximum;
  switch (m_options.method) {
  case RangeMethod::MovingAverage:
    return {static_cast<float>(m_averageMinimum), static_cast<float>(m_averageMaximum)};
  case RangeMethod::Percentile:
    clip = percentileClip(m_histogram, m_options.percentile);
    break;
  case RangeMethod::MeanSquaredError:
    clip = meanSquaredErrorClip(m_histogram, m_options.bits);
    break;
  case RangeMethod::KlDivergence:
    clip = klDivergenceClip(m_histogram, m_options.bits);
    break;
  case RangeMethod::MinMax:
    break;
  }
  return {std::max(m_extremes.minimum, -clip), std::min(m_extremes.maximum, clip)};
}

} // namespace nibblesmith::calibration
