// SPDX-License-Identifier: Apache-2.0
#include "tensor/distance.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace nibblesmith::tensor {

Distance distance(std::span<const float> expected, std::span<const float> actual) {
  if (expected.size() != actual.size())
    throw base::Error(base::ErrorCode::InvalidArgument, "distance: expected equal sizes, found " +
                                                            std::to_string(expected.size()) + " and " +
                                                            std::to_string(actual.size()));
  double signal = 0;
  double other = 0;
  double product = 0;
  double noise = 0;
  Distance result;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double e = expected[i];
    const double a = actual[i];
    signal += e * e;
    other += a * a;
    product += e * a;
    noise += (e - a) * (e - a);
    result.maxAbsoluteError = std::max(result.maxAbsoluteError, std::abs(e - a));
  }
  result.meanSquaredError = expected.empty() ? 0 : noise / static_cast<double>(expected.size());
  result.signalToNoiseDb =
      noise > 0 ? 10 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
  if (signal > 0 && other > 0)
    result.cosine = product / std::sqrt(signal * other);
  return result;
}

} // namespace nibblesmith::tensor
