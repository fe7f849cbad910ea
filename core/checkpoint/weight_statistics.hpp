// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::checkpoint {

/// Distribution of the values of one tensor, dequantized if it is quantized.
struct WeightStatistics {
  uint64_t count = 0;
  double mean = 0;
  double standardDeviation = 0;
  double excessKurtosis = 0; ///< 0 for a normal distribution; large if there are outliers
  float minimum = 0;
  float maximum = 0;
  /// Counts over equal bins between -limit and limit, where limit is the largest |value|. Bin boundaries are
  /// accurate to 1 / 16384 of the range.
  std::vector<uint64_t> histogram;
  float limit = 0;
  /// Largest |value| of each column (input channel) of a matrix; empty for vectors.
  std::vector<float> channelMagnitudes;
  /// Columns whose magnitude exceeds kOutlierRatio times the median column magnitude, largest first.
  std::vector<int64_t> outlierChannels;

  static constexpr int kBins = 81;
  static constexpr float kOutlierRatio = 3.0f;
};

/// Computes the statistics of the tensor `name`, or of the quantized linear with that weight name. Makes one
/// pass over the values and unpacks one row at a time. Throws base::Error{NotFound}; {NotSupported} for
/// tensors that hold no weight values; {Numerical} on NaN or infinity with name and position;
/// base::Cancelled.
WeightStatistics weightStatistics(const Checkpoint& checkpoint, const std::string& name,
                                  const std::stop_token& stop);

} // namespace nibblesmith::checkpoint
