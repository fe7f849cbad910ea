// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::checkpoint {

/// How the values of one tensor are spread, after dequantization where it is quantized.
struct WeightStatistics {
  uint64_t count = 0;
  double mean = 0;
  double standardDeviation = 0;
  double excessKurtosis = 0; ///< 0 for a normal distribution; large where few values are far out
  float minimum = 0;
  float maximum = 0;
  /// Counts over equal bins between -limit and limit; the largest |value| is the limit. Bounds of bins are
  /// met to 1 / 16384 of the range.
  std::vector<uint64_t> histogram;
  float limit = 0;
  /// Of a matrix, the largest |value| of each column: of an input channel. Empty for vectors.
  std::vector<float> channelMagnitudes;
  /// Columns whose magnitude is more than kOutlierRatio times the median column's, the largest first.
  std::vector<int64_t> outlierChannels;

  static constexpr int kBins = 81;
  static constexpr float kOutlierRatio = 3.0f;
};

/// Of the tensor of this name, or of the quantized linear whose weight would have it. One pass over the
/// values; a row is unpacked at a time. Throws base::Error{NotFound}, {NotSupported} for tensors that hold no
/// values of weights, {Numerical} on NaN or infinity with name and place, base::Cancelled.
WeightStatistics weightStatistics(const Checkpoint& checkpoint, const std::string& name,
                                  const std::stop_token& stop);

} // namespace nibblesmith::checkpoint
