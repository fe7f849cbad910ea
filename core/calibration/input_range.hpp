// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::calibration {

/// How the range that a static scale covers is found.
enum class RangeMethod { MinMax, MovingAverage, Percentile, MeanSquaredError, KlDivergence };

/// Whether it looks at magnitudes' counts, for which it sees all inputs a second time.
bool countsMagnitudes(RangeMethod method);

struct RangeOptions {
  RangeMethod method = RangeMethod::MinMax;
  int bits = 8;                    ///< of the codes, which count for MeanSquaredError and KlDivergence
  double percentile = 99.99;       ///< of the magnitudes that stay inside
  double averagingConstant = 0.01; ///< weight of each further sequence in the moving average
};

/// Holds 0.
struct InputRange {
  float minimum = 0;
  float maximum = 0;
};

inline constexpr int kHistogramBins = 2048;
/// Counts of magnitudes |x| in equal bins over 0..reach.
struct MagnitudeHistogram {
  std::array<int64_t, kHistogramBins> counts = {};
  float reach = 0;
};
/// Magnitudes at which to cut, from a histogram:
/// the upper edge of the first bin up to which `percentile` of all values lie (as numpy.searchsorted of the
/// cumulated shares gives it; NVIDIA's pytorch-quantization, calib/histogram.py);
float percentileReach(const MagnitudeHistogram& histogram, double percentile);
/// the bin centre for which rounding the centres of all bins to `bits` has the least squared error (the
/// same);
float meanSquaredErrorReach(const MagnitudeHistogram& histogram, int bits);
/// the first i bins for which the Kullback-Leibler divergence of P, the bins below i with all that lies above
/// in the last of them, from Q, the same bins merged into 2^(bits-1) levels and spread again over those that
/// are not empty, is least. Source: Migacz 2017, "8-bit inference with TensorRT", pages 34 to 38.
float klDivergenceReach(const MagnitudeHistogram& histogram, int bits);

/// The range of a linear layer's inputs. MinMax: all values. MovingAverage: the first sequence's extremes m,
/// then m + c (extremes - m) for each further one in order, as PyTorch's MovingAverageMinMaxObserver. The
/// others cut the range of MinMax at their reach on either side of zero:
///
///   while (finder.wantsInputs()) { finder.add(...); ...; finder.endPass(); }
///
/// One thread at a time; the work inside is spread over the pool, and the result does not depend on it.
class InputRangeFinder {
public:
  /// name: for messages. scales [inFeatures]: input channel i is divided by scales_i first; empty: as they
  /// are.
  InputRangeFinder(const RangeOptions& options, std::string name, tensor::Vector scales = {});

  bool wantsInputs() const { return !m_isDone; }
  /// inputs: bf16 [tokens, inFeatures], one matrix per sequence, in the order of the sequences.
  /// Throws base::Error{Numerical} naming the layer where a value is NaN or infinite, base::Cancelled.
  void add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
           const std::stop_token& stop);
  void endPass();
  InputRange range() const;

private:
  void addExtremes(const InputRange& extremes);

  RangeOptions m_options;
  std::string m_name;
  tensor::Vector m_inverse;
  bool m_isDone = false;
  bool m_isCounting = false; ///< the second pass
  int64_t m_sequences = 0;
  double m_averageMinimum = 0;
  double m_averageMaximum = 0;
  InputRange m_extremes;
  MagnitudeHistogram m_histogram;
};

} // namespace nibblesmith::calibration
