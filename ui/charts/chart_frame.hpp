// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/chart_style.hpp"

#include <QString>

#include <memory>

class QAbstractAxis;
class QChart;

namespace nibblesmith::ui {

/// Returns an empty chart with the style's colours, fonts and margins.
std::unique_ptr<QChart> makeStyledChart(const ChartStyle& style);
/// Returns text for titles, series and bar sets, shortened and escaped, because Qt Charts draws it as HTML.
QString chartText(const QString& text);
void styleAxis(QAbstractAxis& axis, const ChartStyle& style);
/// Returns a step of 1, 2 or 5 times a power of ten that divides `range` into about `steps` parts.
double niceStep(double range, int steps);
/// Returns the number of decimals needed to distinguish multiples of the step.
int decimalsOf(double step);

} // namespace nibblesmith::ui
