// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/bar_chart.hpp"

#include "ui/charts/bar_labels.hpp"
#include "ui/charts/chart_frame.hpp"

#include <QBarCategoryAxis>
#include <QBarSet>
#include <QChart>
#include <QHorizontalBarSeries>
#include <QLegend>
#include <QValueAxis>

#include <algorithm>
#include <cmath>

namespace nibblesmith::ui {

namespace {

constexpr double kFullWidth = 0.78; ///< fraction of the height of a category
/// Fraction of the total height; limits the bars of one or two rows.
constexpr double kWidthOfOneBar = 0.16;

double largestValue(const BarChart& bars) {
  double largest = 0;
  for (const BarGroup& group : bars.groups)
    for (const double value : group.values)
      largest = std::max(largest, value);
  return largest > 0 ? largest : 1;
}

QHorizontalBarSeries* makeSeries(const BarChart& bars, const ChartStyle& style) {
  auto* series = new QHorizontalBarSeries;
  series->setBarWidth(std::min(kFullWidth, kWidthOfOneBar * static_cast<double>(bars.groups.size()) *
                                               static_cast<double>(bars.categories.size())));
  // Qt Charts draws categories, and the sets within each, from the bottom up.
  for (size_t g = bars.groups.size(); g-- > 0;) {
    auto* set = new QBarSet(chartText(bars.groups[g].name));
    set->setColor(seriesColor(static_cast<int>(g), style));
    set->setBorderColor(Qt::transparent);
    for (auto value = bars.groups[g].values.rbegin(); value != bars.groups[g].values.rend(); ++value)
      *set << *value;
    series->append(set);
  }
  return series;
}

} // namespace

std::unique_ptr<QChart> makeBarChart(const BarChart& bars, const ChartStyle& style) {
  auto chart = makeStyledChart(style);
  chart->setTitle(chartText(bars.title));
  auto* series = makeSeries(bars, style);
  chart->addSeries(series);
  chart->legend()->setReverseMarkers(true);

  auto* names = new QBarCategoryAxis;
  // BarLabels draws the names. The axis would drop repeated names, so it gets numbers.
  for (qsizetype i = 0; i < bars.categories.size(); ++i)
    names->append(QString::number(i));
  styleAxis(*names, style);
  names->setLabelsVisible(false);
  names->setGridLineVisible(false);
  chart->addAxis(names, Qt::AlignLeft);
  series->attachAxis(names);

  auto* values = new QValueAxis;
  // Leaves space on the right for the values.
  const double largest = largestValue(bars) * 1.18;
  const double step = niceStep(largest, 4);
  values->setRange(0, largest);
  values->setTickType(QValueAxis::TicksDynamic);
  values->setTickAnchor(0);
  values->setTickInterval(step);
  values->setLabelFormat(QStringLiteral("%.%1f").arg(decimalsOf(step)));
  styleAxis(*values, style);
  chart->addAxis(values, Qt::AlignBottom);
  series->attachAxis(values);

  new BarLabels(chart.get(), bars, style);
  return chart;
}

} // namespace nibblesmith::ui
