// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/chart_style.hpp"

#include <array>

namespace nibblesmith::ui {

ChartStyle chartStyleOf(const QPalette& palette) {
  ChartStyle style;
  style.background = palette.color(QPalette::Base);
  style.text = palette.color(QPalette::Text);
  style.isDark = style.background.lightness() < 128;
  const auto between = [&](double part) {
    const auto mix = [part](int from, int to) { return static_cast<int>(from + part * (to - from)); };
    const QColor& a = style.background;
    const QColor& b = style.text;
    return QColor(mix(a.red(), b.red()), mix(a.green(), b.green()), mix(a.blue(), b.blue()));
  };
  style.faintText = between(0.72);
  style.grid = between(0.13);
  return style;
}

QColor seriesColor(int n, const ChartStyle& style) {
  static constexpr std::array<QRgb, 7> kLight = {0xff0072b2, 0xffe69f00, 0xff009e73, 0xffd55e00,
                                                 0xffcc79a7, 0xff56b4e9, 0xff8a7a00};
  static constexpr std::array<QRgb, 7> kDark = {0xff4aa8e0, 0xfff0b429, 0xff2fc79a, 0xfff0803c,
                                                0xffdf9ac2, 0xff8fd0f5, 0xffd9cc4a};
  const auto& colors = style.isDark ? kDark : kLight;
  return QColor(colors[static_cast<size_t>(n) % colors.size()]);
}

} // namespace nibblesmith::ui
