// SPDX-License-Identifier: Apache-2.0
#include "model/rotary.hpp"

#include <cmath>

namespace nibblesmith::model {

double DynamicNtk::factorFor(int64_t context) const {
  if (context <= originalPositions)
    return 1.0;
  const double times = static_cast<double>(context) / static_cast<double>(originalPositions);
  if (rule == Rule::Smooth)
    return static_cast<double>(factor) * times - (static_cast<double>(factor) - 1.0);
  double power = 1.0;
  while (power < times)
    power *= 2.0;
  return 2.0 * power - 1.0;
}

std::vector<float> Rotary::divisorsFor(int64_t context) const {
  if (longRope && context > longRope->originalPositions)
    return longRope->divisors;
  if (!dynamicNtk || context <= dynamicNtk->originalPositions)
    return divisors;
  // theta g^(d / (d - 2)) as the base equals dividing frequency i by g^(2i / (d - 2)). With d = 2 the single
  // frequency stays unscaled.
  const double g = dynamicNtk->factorFor(context), last = static_cast<double>(dimensions / 2 - 1);
  std::vector<float> scaled{1.0f};
  for (int64_t i = 1; i < dimensions / 2; ++i)
    scaled.push_back(static_cast<float>(std::pow(g, static_cast<double>(i) / last)));
  return scaled;
}

} // namespace nibblesmith::model
