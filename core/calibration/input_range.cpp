// SPDX-License-Identifier: Apache-2.0
#include "calibration/input_range.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace nibblesmith::calibration {

namespace {

using tensor::Matrix;
using Inputs = std::span<const Matrix* const>;

/// Extremes of every sequence, 0 among them.
std::vector<InputRange> extremesOf(Inputs inputs, const std::string& name, base::ThreadPool& pool,
                                   const std::stop_token& stop) {
  std::vector<InputRange> extremes(inputs.size());
  pool.parallelFor(std::ssize(inputs), 1, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      base::throwIfStopped(stop);
      const Matrix& X = *inputs[static_cast<size_t>(s)];
      if (X.size() == 0)
        continue;
      if (!X.allFinite())
        throw base::Error(base::ErrorCode::Numerical, "input of '" + name + "': expected finite values, found NaN or "
                                                      "infinity in calibration sequence " + std::to_string(s));
      extremes[static_cast<size_t>(s)] = {std::min(0.0f, X.minCoeff()), std::max(0.0f, X.maxCoeff())};
    }
  });
  return extremes;
}

InputRange movingAverage(const std::vector<InputRange>& extremes, double constant) {
  double minimum = static_cast<double>(extremes.front().minimum);
  double maximum = static_cast<double>(extremes.front().maximum);
  for (size_t s = 1; s < extremes.size(); ++s) {
    minimum += constant * (static_cast<double>(extremes[s].minimum) - minimum);
    maximum += constant * (static_cast<double>(extremes[s].maximum) - maximum);
  }
  return {static_cast<float>(minimum), static_cast<float>(maximum)};
}

float binEdge(const MagnitudeHistogram& histogram, int64_t edge) {
  return static_cast<float>(static_cast<double>(histogram.reach) * static_cast<double>(edge) / kHistogramBins);
}

/// Divergence of the first `bins` bins from their merged levels; the part of P above them lies in the last.
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
    // Where all of a level lies above the cut, Q has nothing to say: no threshold to take.
    if (!(Q[i] > 0))
      return std::numeric_limits<double>::infinity();
    result += P[i] / totalP * std::log(P[i] / totalP / (Q[i] / totalQ));
  }
  return result;
}

} // namespace

MagnitudeHistogram magnitudeHistogram(Inputs inputs, float reach, base::ThreadPool& pool, const std::stop_token& stop) {
  MagnitudeHistogram histogram;
  histogram.reach = reach;
  if (!(reach > 0))
    return histogram;
  // Counts per sequence, added in order; whole numbers, so any order would do.
  std::vector<std::array<int64_t, kHistogramBins>> counts(inputs.size());
  const double binsPerUnit = kHistogramBins / static_cast<double>(reach);
  pool.parallelFor(std::ssize(inputs), 1, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      base::throwIfStopped(stop);
      auto& own = counts[static_cast<size_t>(s)];
      own.fill(0);
      const Matrix& X = *inputs[static_cast<size_t>(s)];
      for (int64_t i = 0; i < X.size(); ++i) {
        const double at = static_cast<double>(std::abs(X.data()[i])) * binsPerUnit;
        ++own[static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(at), kHistogramBins - 1))];
      }
    }
  });
  for (const auto& own : counts)
    for (size_t bin = 0; bin < own.size(); ++bin)
      histogram.counts[bin] += own[bin];
  return histogram;
}

float percentileReach(const MagnitudeHistogram& histogram, double percentile) {
  double total = 0;
  for (const int64_t count : histogram.counts)
    total += static_cast<double>(count);
  double below = 0;
  for (int64_t bin = 0; bin < kHistogramBins; ++bin) {
    below += static_cast<double>(histogram.counts[static_cast<size_t>(bin)]);
    if (below >= percentile / 100.0 * total)
      return binEdge(histogram, bin + 1);
  }
  return histogram.reach;
}

float meanSquaredErrorReach(const MagnitudeHistogram& histogram, int bits) {
  const double width = static_cast<double>(histogram.reach) / kHistogramBins;
  const int levels = (1 << (bits - 1)) - 1;
  double least = std::numeric_limits<double>::infinity();
  double best = static_cast<double>(histogram.reach);
  for (int candidate = levels + 1; candidate < kHistogramBins; ++candidate) {
    const double reach = (candidate + 0.5) * width;
    const double scale = reach / levels;
    double error = 0;
    for (int bin = 0; bin < kHistogramBins; ++bin) {
      const double centre = (bin + 0.5) * width;
      const double difference = scale * std::min<double>(std::nearbyint(centre / scale), levels) - centre;
      error += static_cast<double>(histogram.counts[static_cast<size_t>(bin)]) * difference * difference;
    }
    if (error < least) {
      least = error;
      best = reach;
    }
  }
  return static_cast<float>(best);
}

float klDivergenceReach(const MagnitudeHistogram& histogram, int bits) {
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

InputRange findInputRange(Inputs inputs, const RangeOptions& options, const std::string& name, base::ThreadPool& pool,
                          const std::stop_token& stop) {
  const std::vector<InputRange> extremes = extremesOf(inputs, name, pool, stop);
  if (extremes.empty())
    return {};
  if (options.method == RangeMethod::MovingAverage)
    return movingAverage(extremes, options.averagingConstant);
  InputRange range;
  for (const InputRange& one : extremes)
    range = {std::min(range.minimum, one.minimum), std::max(range.maximum, one.maximum)};
  if (options.method == RangeMethod::MinMax || range.minimum == range.maximum)
    return range;
  const MagnitudeHistogram histogram = magnitudeHistogram(inputs, std::max(-range.minimum, range.maximum), pool, stop);
  const float reach = options.method == RangeMethod::Percentile         ? percentileReach(histogram, options.percentile)
                      : options.method == RangeMethod::MeanSquaredError ? meanSquaredErrorReach(histogram, options.bits)
                                                                        : klDivergenceReach(histogram, options.bits);
  return {std::max(range.minimum, -reach), std::min(range.maximum, reach)};
}

} // namespace nibblesmith::calibration
