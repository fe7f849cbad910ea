// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <filesystem>
#include <string_view>

namespace nibblesmith::ui {

/// UTF-8 text of the core as a QString, unchanged: for names that are looked up again. What people see goes
/// through foreignText() or messageText(), which labels, tables and tool tips do by themselves.
inline QString toQString(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

inline QString toQString(const std::filesystem::path& path) {
  return toQString(std::string_view(path.native()));
}

inline std::filesystem::path toPath(const QString& text) { return {text.toStdString()}; }

/// base::foreignText(): one plain line with escapes, of at most maxBytes bytes of UTF-8.
QString foreignText(const QString& text, qsizetype maxBytes = 200);
inline QString foreignText(std::string_view text) { return foreignText(toQString(text)); }

/// base::messageText() with at most 40 lines: the line ends of our own messages stay.
QString messageText(const QString& text);

} // namespace nibblesmith::ui
