// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/text.hpp"

#include "base/foreign_text.hpp"

#include <QCoreApplication>
#include <QStringList>

#include <algorithm>

namespace nibblesmith::ui {

namespace {

constexpr qsizetype kMostLines = 40;
constexpr qsizetype kMessageBytes = 3000;

/// True if the text can be shown unchanged. This fast path handles most of the thousands of table cells.
bool isOrdinary(const QString& text, qsizetype maxBytes) {
  return text.size() <= maxBytes && std::all_of(text.begin(), text.end(), [](QChar character) {
           return character.unicode() >= 0x20 && character.unicode() < 0x7F;
         });
}

} // namespace

QString foreignText(const QString& text, qsizetype maxBytes) {
  if (isOrdinary(text, maxBytes))
    return text;
  return toQString(std::string_view(base::foreignText(text.toStdString(), static_cast<size_t>(maxBytes))));
}

QString messageText(const QString& text) {
  if (isOrdinary(text, kMessageBytes))
    return text;
  const QString bounded = toQString(std::string_view(base::messageText(text.toStdString())));
  const qsizetype lines = bounded.count(QLatin1Char('\n')) + 1;
  if (lines <= kMostLines)
    return bounded;
  return bounded.section(QLatin1Char('\n'), 0, static_cast<int>(kMostLines - 2)) + QLatin1Char('\n') +
         QCoreApplication::translate("Text", "… (%1 lines left out)").arg(lines - kMostLines + 1);
}

} // namespace nibblesmith::ui
