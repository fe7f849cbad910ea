// SPDX-License-Identifier: Apache-2.0
#include "calibration/sampling.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace nibblesmith::calibration {

uint64_t uniformBelow(uint64_t bound, std::mt19937_64& generator) {
  // Draws from the incomplete last range of 2^64 are rejected.
  const uint64_t rejected = (std::numeric_limits<uint64_t>::max() % bound + 1) % bound;
  for (;;) {
    const uint64_t value = generator();
    if (value <= std::numeric_limits<uint64_t>::max() - rejected)
      return value % bound;
  }
}

std::vector<int64_t> sampleWithoutReplacement(int64_t total, int64_t count, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(std::max<int64_t>(total, 0)));
  std::iota(order.begin(), order.end(), int64_t{0});
  const size_t wanted = std::min(order.size(), static_cast<size_t>(std::max<int64_t>(count, 0)));
  std::mt19937_64 generator(seed);
  for (size_t i = 0; i < wanted; ++i)
    std::swap(order[i], order[i + static_cast<size_t>(uniformBelow(order.size() - i, generator))]);
  order.resize(wanted);
  return order;
}

} // namespace nibblesmith::calibration
