// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <filesystem>
#include <string_view>

namespace nibblesmith::ui {

/// Converts UTF-8 text of the core to a QString without changes, for names that are looked up again. Text for
/// display also needs foreignText() or messageText(); labels, tables and tool tips apply them automatically.
inline QString toQString(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

inline QString toQString(const std::filesystem::path& path) {
  return toQString(std::string_view(path.native()));
}

inline std::filesystem::path toPath(const QString& text) { return {text.toStdString()}; }

/// Applies base::foreignText(): one plain line with escapes, at most maxBytes bytes of UTF-8.
QString foreignText(const QString& text, qsizetype maxBytes = 200);
inline QString foreignText(std::string_view text) { return foreignText(toQString(text)); }

/// Applies base::messageText() with at most 40 lines; keeps the line breaks of our own messages.
QString messageText(const QString& text);

} // namespace nibblesmith::ui
