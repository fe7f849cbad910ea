// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace nibblesmith::tensor {

/// How far `actual` is from `expected`.
struct Distance {
  double meanSquaredError = 0;
  double maxAbsoluteError = 0;
  double signalToNoiseDb = 0; ///< 10 log10(sum expected^2 / sum error^2); infinity where equal
  double cosine = 1;
};

/// Throws base::Error{InvalidArgument} where the sizes differ.
Distance distance(std::span<const float> expected, std::span<const float> actual);

} // namespace nibblesmith::tensor
