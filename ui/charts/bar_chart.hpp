// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/chart_style.hpp"

#include <QString>
#include <QStringList>

#include <memory>
#include <vector>

class QChart;

namespace nibblesmith::ui {

/// Bars of one colour, with one value per category.
struct BarGroup {
  QString name;
  std::vector<double> values;
};

/// Data of a horizontal bar chart; horizontal bars keep long category names readable.
struct BarChart {
  QStringList categories; ///< top to bottom
  QString title;          ///< includes the unit, to save a line at the axis
  int decimals = 1;       ///< decimals of the numbers at the bars
  std::vector<BarGroup> groups;
};

std::unique_ptr<QChart> makeBarChart(const BarChart& bars, const ChartStyle& style);

} // namespace nibblesmith::ui
