// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/chart_style.hpp"

#include <QString>

#include <memory>

class QAbstractAxis;
class QChart;

namespace nibblesmith::ui {

/// An empty chart with the style's colours, fonts and margins.
std::unique_ptr<QChart> makeStyledChart(const ChartStyle& style);
/// Text for titles, series and bar sets, which Qt Charts draws as HTML: bounded and escaped.
QString chartText(const QString& text);
void styleAxis(QAbstractAxis& axis, const ChartStyle& style);
/// A step of 1, 2 or 5 times a power of ten that cuts `range` into about `steps` parts.
double niceStep(double range, int steps);
/// Decimals that tell such steps apart.
int decimalsOf(double step);

} // namespace nibblesmith::ui
