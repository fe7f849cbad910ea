// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace nibblesmith::tensor {

/// Error measures between an expected and an actual tensor.
struct Distance {
  double meanSquaredError = 0;
  double maxAbsoluteError = 0;
  double signalToNoiseDb = 0; ///< 10 log10(sum expected^2 / sum error^2); infinity if they are equal
  /// Cosine similarity, -1..1.
  double cosine = 1;
};

/// Computes all error measures over the flattened tensors. Throws base::Error{InvalidArgument} if the sizes
/// differ.
Distance distance(std::span<const float> expected, std::span<const float> actual);

} // namespace nibblesmith::tensor
