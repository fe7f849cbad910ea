// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <cstdint>
#include <optional>

namespace nibblesmith::ui {

/// Numbers for people. A missing or not finite value is an en dash.
QString noValue();
QString fixedText(std::optional<double> value, int decimals);
/// Four significant digits, without an exponent between 0.001 and a million.
QString shortText(std::optional<double> value);
/// "4.2 M", "135 M", "7.0 B".
QString countText(uint64_t count);
/// With thousands separators.
QString wholeText(uint64_t count);
QString bytesText(uint64_t bytes);
QString bytesText(std::optional<double> bytes);
/// "0.4 s", "3 min 05 s"; a dash where there is none.
QString durationText(std::optional<double> seconds);
/// ISO 8601 UTC as "2026-03-01 14:05" in local time.
QString localTimeText(const std::string& utc);

} // namespace nibblesmith::ui
