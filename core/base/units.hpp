// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace nibblesmith::base {

/// Returns a size in binary units with three significant digits: "11.4 MiB".
std::string formatBytes(uint64_t bytes);
/// Returns a duration: "0.4 s", "12 s", "3 min 05 s", "2 h 10 min".
std::string formatDuration(double seconds);

/// Returns a number with at most four significant digits: "0.1235", "3057", "1.2e-05".
std::string formatNumber(double value);

} // namespace nibblesmith::base
