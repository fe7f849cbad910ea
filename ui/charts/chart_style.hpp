// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QPalette>

namespace nibblesmith::ui {

/// Colours of a chart.
struct ChartStyle {
  QColor background = Qt::white;
  QColor text = QColor(0x22, 0x26, 0x2b);
  QColor faintText = QColor(0x5c, 0x64, 0x6e);
  QColor grid = QColor(0xe1, 0xe4, 0xe8);
  bool isDark = false;
};

ChartStyle chartStyleOf(const QPalette& palette);

/// Returns colour n of a palette that is safe for colour-blind readers (Okabe and Ito 2008), brightened for
/// dark backgrounds.
QColor seriesColor(int n, const ChartStyle& style);

} // namespace nibblesmith::ui
