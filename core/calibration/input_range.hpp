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

/// Method that determines the range of a static scale.
enum class RangeMethod { MinMax, MovingAverage, Percentile, MeanSquaredError, KlDivergence };

/// Returns true if the method uses a magnitude histogram, for which all inputs are read a second time.
bool needsHistogram(RangeMethod method);

/// Options of InputRangeFinder.
struct RangeOptions {
  RangeMethod method = RangeMethod::MinMax;
  int bits = 8;                    ///< width of the codes, used by MeanSquaredError and KlDivergence
  double percentile = 99.99;       ///< percentage of the magnitudes inside the range
  double averagingConstant = 0.01; ///< weight of each further sequence in the moving average
};

/// Range of input values; contains 0.
struct InputRange {
  float minimum = 0;
  float maximum = 0;
};

inline constexpr int kHistogramBins = 2048;
/// Histogram of magnitudes |x| in equal bins over 0..maximum.
struct MagnitudeHistogram {
  std::array<int64_t, kHistogramBins> counts = {};
  float maximum = 0;
};
/// Clipping magnitude by percentile: upper edge of the first bin up to which `percentile` percent of all
/// values lie. Equals numpy.searchsorted on the cumulative distribution. Source: NVIDIA's
/// pytorch-quantization, calib/histogram.py.
float percentileClip(const MagnitudeHistogram& histogram, double percentile);
/// Clipping magnitude by squared error: the bin centre for which rounding all bin centres to `bits` bits has
/// the least squared error. Source: the same file.
float meanSquaredErrorClip(const MagnitudeHistogram& histogram, int bits);
/// Clipping magnitude by KL divergence: the end of the first i bins with the least divergence of P from Q. P
/// is the first i bins, with all values beyond added to the last one; Q is the same bins merged into
/// 2^(bits-1) levels and expanded over the non-empty ones. Source: Migacz 2017, "8-bit inference with
/// TensorRT", pages 34 to 38.
float klDivergenceClip(const MagnitudeHistogram& histogram, int bits);

/// Finds the range of a linear layer's inputs. MinMax covers all values. MovingAverage starts with the first
/// sequence's extremes m and computes m + c (extremes - m) for each further sequence in order, as PyTorch's
/// MovingAverageMinMaxObserver. The other methods clip the MinMax range to their magnitude on either side of
/// zero:
///
///   while (finder.wantsInputs()) { finder.add(...); ...; finder.endPass(); }
///
/// Not safe for concurrent use; the work inside is distributed over the pool, and the result does not depend
/// on it.
class InputRangeFinder {
public:
  /// name: used in messages. scales [inFeatures]: input channel i is divided by scales_i first; empty: no
  /// scaling.
  InputRangeFinder(const RangeOptions& options, std::string name, tensor::Vector scales = {});

  /// Returns true if another pass over all inputs is needed.
  bool wantsInputs() const { return !m_isDone; }
  /// Adds inputs: one bf16 matrix [tokens, inFeatures] per sequence, in the order of the sequences. Throws
  /// base::Error{Numerical} with the layer if a value is NaN or infinite, base::Cancelled.
  void add(std::span<const tensor::Bf16Matrix* const> inputs, base::ThreadPool& pool,
           const std::stop_token& stop);
  /// Ends a pass over all inputs.
  void endPass();
  /// Returns the range. Call it once wantsInputs() is false.
  InputRange range() const;

private:
  void addExtremes(const InputRange& extremes);

  RangeOptions m_options;
  std::string m_name;
  tensor::Vector m_inverse;
  bool m_isDone = false;
  bool m_isCounting = false; ///< in the second pass
  int64_t m_sequences = 0;
  double m_averageMinimum = 0;
  double m_averageMaximum = 0;
  InputRange m_extremes;
  MagnitudeHistogram m_histogram;
};

} // namespace nibblesmith::calibration
