// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace nibblesmith::calibration {

/// `count` different numbers out of 0..total-1 in random order; all of them, shuffled, where count >= total.
/// Unbiased and the same on every platform: Fisher-Yates over std::mt19937_64 with rejection, none of the
/// standard distributions, whose algorithms differ between libraries.
std::vector<int64_t> sampleWithoutReplacement(int64_t total, int64_t count, uint64_t seed);

} // namespace nibblesmith::calibration
