// SPDX-License-Identifier: Apache-2.0
#include "base/units.hpp"

#include <cmath>
#include <cstdio>

namespace nibblesmith::base {

std::string formatBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000.0 && unit + 1 < std::size(kUnits)) {
    value /= 1024.0;
    ++unit;
  }
  char text[32];
  const int decimals = unit == 0 || value >= 100.0 ? 0 : (value >= 10.0 ? 1 : 2);
  std::snprintf(text, sizeof(text), "%.*f %s", decimals, value, kUnits[unit]);
  return text;
}

std::string formatDuration(double seconds) {
  char text[48];
  if (seconds < 10.0) {
    std::snprintf(text, sizeof(text), "%.1f s", seconds);
    return text;
  }
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 60)
    std::snprintf(text, sizeof(text), "%lld s", whole);
  else if (whole < 3600)
    std::snprintf(text, sizeof(text), "%lld min %02lld s", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof(text), "%lld h %02lld min", whole / 3600, whole % 3600 / 60);
  return text;
}

std::string formatNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

} // namespace nibblesmith::base
