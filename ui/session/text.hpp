// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <filesystem>
#include <string_view>

namespace nibblesmith::ui {

/// UTF-8 text of the core as a QString.
inline QString toQString(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

inline QString toQString(const std::filesystem::path& path) {
  return toQString(std::string_view(path.native()));
}

inline std::filesystem::path toPath(const QString& text) { return {text.toStdString()}; }

} // namespace nibblesmith::ui
