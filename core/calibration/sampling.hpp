// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace nibblesmith::calibration {

/// Returns a uniform number in 0..bound-1, unbiased and the same on every platform: std::mt19937_64 with
/// rejection. The standard distributions are not used, because their algorithms differ between libraries.
uint64_t uniformBelow(uint64_t bound, std::mt19937_64& generator);

/// Returns `count` different numbers of 0..total-1 in random order (Fisher-Yates); all of them, shuffled, if
/// count >= total.
std::vector<int64_t> sampleWithoutReplacement(int64_t total, int64_t count, uint64_t seed);

} // namespace nibblesmith::calibration
