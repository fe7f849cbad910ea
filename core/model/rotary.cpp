// SPDX-License-Identifier: Apache-2.0
#include "model/rotary.hpp"

#include <cmath>

namespace nibblesmith::model {

double GrowingBase::growth(int64_t context) const {
  if (context <= beyond)
    return 1.0;
  const double times = static_cast<double>(context) / static_cast<double>(beyond);
  if (rule == Rule::Smooth)
    return static_cast<double>(factor) * times - (static_cast<double>(factor) - 1.0);
  double power = 1.0;
  while (power < times)
    power *= 2.0;
  return 2.0 * power - 1.0;
}

std::vector<float> Rotary::divisorsFor(int64_t context) const {
  if (longTexts && context > longTexts->beyond)
    return longTexts->divisors;
  if (!growingBase || context <= growingBase->beyond)
    return divisors;
  // (theta g^(d / (d - 2)))^(-2i / d) is theta^(-2i / d) by g^(2i / (d - 2)). Of two dimensions, the one wave
  // stays.
  const double growth = growingBase->growth(context), last = static_cast<double>(dimensions / 2 - 1);
  std::vector<float> grown{1.0f};
  for (int64_t i = 1; i < dimensions / 2; ++i)
    grown.push_back(static_cast<float>(std::pow(growth, static_cast<double>(i) / last)));
  return grown;
}

} // namespace nibblesmith::model
