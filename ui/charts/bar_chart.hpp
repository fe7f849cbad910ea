// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/chart_style.hpp"

#include <QString>
#include <QStringList>

#include <memory>
#include <vector>

class QChart;

namespace nibblesmith::ui {

/// One colour of bars: a value per category.
struct BarGroup {
  QString name;
  std::vector<double> values;
};

/// Horizontal bars, so that long category names stay readable.
struct BarChart {
  QStringList categories; ///< from the top
  QString title;          ///< with the unit, which would cost a line of its own at the axis
  int decimals = 1;       ///< of the figures at the bars
  std::vector<BarGroup> groups;
};

std::unique_ptr<QChart> makeBarChart(const BarChart& bars, const ChartStyle& style);

} // namespace nibblesmith::ui
