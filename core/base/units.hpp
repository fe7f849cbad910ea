// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace nibblesmith::base {

/// "11.4 MiB": binary units, three significant digits.
std::string formatBytes(uint64_t bytes);
/// "0.4 s", "12 s", "3 min 05 s", "2 h 10 min".
std::string formatDuration(double seconds);

/// "0.1235", "3057", "1.2e-05": four significant digits at most.
std::string formatNumber(double value);

} // namespace nibblesmith::base
