// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <cstdint>
#include <optional>

namespace nibblesmith::ui {

/// Numbers as text for display. A missing or non-finite value is an en dash.
QString noValue();
QString fixedText(std::optional<double> value, int decimals);
/// Returns four significant digits; no exponent between 0.001 and a million.
QString shortText(std::optional<double> value);
/// Returns "4.2 M", "135 M", "7.0 B".
QString countText(uint64_t count);
/// Returns all digits with thousands separators.
QString wholeText(uint64_t count);
QString bytesText(uint64_t bytes);
QString bytesText(std::optional<double> bytes);
/// Returns "0.4 s", "3 min 05 s"; a dash if there is no value.
QString durationText(std::optional<double> seconds);
/// Converts ISO 8601 UTC to local time, "2026-03-01 14:05".
QString localTimeText(const std::string& utc);

} // namespace nibblesmith::ui
