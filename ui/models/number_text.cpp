// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/number_text.hpp"

#include "base/units.hpp"
#include "ui/session/text.hpp"

#include <QDateTime>
#include <QLocale>

#include <array>
#include <cmath>
#include <utility>

namespace nibblesmith::ui {

QString noValue() { return QString(QChar(0x2013)); }

QString fixedText(std::optional<double> value, int decimals) {
  if (!value || !std::isfinite(*value))
    return noValue();
  return QString::number(*value, 'f', decimals);
}

QString shortText(std::optional<double> value) {
  if (!value || !std::isfinite(*value))
    return noValue();
  const double size = std::abs(*value);
  if (size == 0)
    return QStringLiteral("0");
  if (size >= 1e6 || size < 1e-3)
    return QString::number(*value, 'g', 3);
  const int decimals = std::clamp(3 - static_cast<int>(std::floor(std::log10(size))), 0, 6);
  return QString::number(*value, 'f', decimals);
}

QString countText(uint64_t count) {
  constexpr std::array<std::pair<double, char>, 3> kUnits = {{{1e9, 'B'}, {1e6, 'M'}, {1e3, 'k'}}};
  const auto value = static_cast<double>(count);
  for (const auto& [size, letter] : kUnits)
    if (value >= size) {
      const double scaled = value / size;
      return QStringLiteral("%1 %2").arg(scaled, 0, 'f', scaled < 100 ? 1 : 0).arg(QLatin1Char(letter));
    }
  return QString::number(count);
}

QString wholeText(uint64_t count) {
  return QLocale(QLocale::English).toString(static_cast<qulonglong>(count));
}

QString bytesText(uint64_t bytes) { return toQString(std::string_view(base::formatBytes(bytes))); }

QString bytesText(std::optional<double> bytes) {
  if (!bytes || !std::isfinite(*bytes) || *bytes < 0)
    return noValue();
  return bytesText(static_cast<uint64_t>(*bytes));
}

QString durationText(std::optional<double> seconds) {
  if (!seconds || !std::isfinite(*seconds))
    return noValue();
  return toQString(std::string_view(base::formatDuration(*seconds)));
}

QString localTimeText(const std::string& utc) {
  QDateTime time = QDateTime::fromString(toQString(std::string_view(utc)), Qt::ISODate);
  if (!time.isValid())
    return toQString(std::string_view(utc));
  time.setTimeSpec(Qt::UTC);
  return time.toLocalTime().toString(QStringLiteral("yyyy-MM-dd HH:mm"));
}

} // namespace nibblesmith::ui
