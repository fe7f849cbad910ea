// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/quality_chart.hpp"

#include "experiments/experiment_log.hpp"
#include "ui/charts/chart_frame.hpp"
#include "ui/charts/point_labels.hpp"
#include "ui/charts/wrapped_legend.hpp"
#include "ui/models/experiment_columns.hpp"
#include "ui/session/text.hpp"

#include <QChart>
#include <QCoreApplication>
#include <QLegend>
#include <QLogValueAxis>
#include <QScatterSeries>
#include <QValueAxis>

#include <algorithm>
#include <cmath>

namespace nibblesmith::ui {

namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kLogRatio = 20;

QString tr(const char* text) { return QCoreApplication::translate("QualityChart", text); }

struct Range {
  double low = 0;
  double high = 1;
};

Range rangeOf(const std::vector<LabelledPoint>& points, bool alongX) {
  Range range{1e300, -1e300};
  for (const LabelledPoint& point : points) {
    const double value = alongX ? point.value.x() : point.value.y();
    const double error = alongX ? 0 : point.error.value_or(0);
    range.low = std::min(range.low, value - error);
    range.high = std::max(range.high, value + error);
  }
  return points.empty() ? Range() : range;
}

/// Returns a linear axis that covers the range and ends at round numbers.
QValueAxis* linearAxis(Range range, const ChartStyle& style) {
  const bool isOnePlace = range.high <= range.low;
  const double margin = isOnePlace ? std::max(range.high * 0.02, 1e-6) : (range.high - range.low) * 0.12;
  const double step = niceStep(range.high - range.low + 2 * margin, 5);
  auto* axis = new QValueAxis;
  axis->setRange(std::max(0.0, std::floor((range.low - margin) / step) * step),
                 std::ceil((range.high + margin) / step) * step);
  axis->setTickType(QValueAxis::TicksDynamic);
  axis->setTickAnchor(0);
  axis->setTickInterval(step);
  axis->setLabelFormat(QStringLiteral("%.%1f").arg(decimalsOf(step)));
  styleAxis(*axis, style);
  return axis;
}

QAbstractAxis* perplexityAxis(Range range, const ChartStyle& style) {
  if (range.low <= 0 || range.high / range.low < kLogRatio)
    return linearAxis(range, style);
  auto* axis = new QLogValueAxis;
  axis->setBase(10);
  axis->setRange(range.low / 1.5, range.high * 1.5);
  axis->setLabelFormat(QStringLiteral("%g"));
  axis->setMinorTickCount(8);
  styleAxis(*axis, style);
  return axis;
}

QString notQuantized() { return tr("not quantized"); }

/// Returns the series of each row, which has its own colour: the method, or the model if there are several
/// models.
QStringList seriesOf(const ChartRows& rows) {
  const bool isOneModel = std::all_of(rows.begin(), rows.end(), [&](const experiments::ExperimentRow& row) {
    return row.modelName == rows.front().modelName;
  });
  QStringList names;
  for (const experiments::ExperimentRow& row : rows)
    names << (!isOneModel            ? foreignText(row.modelName)
              : row.method == "none" ? notQuantized()
                                     : foreignText(row.method));
  return names;
}

/// Sorts the series in the order of their colours. The unquantized model has the first colour, visible or
/// not; the others are sorted by name. A method thus mostly keeps its colour when the selection changes.
QStringList inColourOrder(QStringList series) {
  series.removeAll(notQuantized());
  series.removeDuplicates();
  series.sort();
  series.prepend(notQuantized());
  return series;
}

std::vector<LabelledPoint> pointsOf(const ChartRows& rows, const QStringList& series,
                                    const QStringList& distinct, const ChartStyle& style) {
  const QStringList names = chartNames(rows);
  std::vector<LabelledPoint> points;
  for (size_t i = 0; i < rows.size(); ++i)
    points.push_back(
        {{static_cast<double>(rows[i].sizeBytes) / kMiB, metricOf(rows[i], "perplexity").value_or(0)},
         metricOf(rows[i], "perplexityError"),
         names[static_cast<qsizetype>(i)],
         seriesColor(static_cast<int>(distinct.indexOf(series[static_cast<qsizetype>(i)])), style)});
  return points;
}

} // namespace

std::unique_ptr<QChart> makeQualityChart(const ChartRows& rows, const ChartStyle& style) {
  auto chart = makeStyledChart(style);
  chart->setTitle(chartText(tr("Quality against size (lower left is better)")));
  const QStringList series = seriesOf(rows);
  const QStringList distinct = inColourOrder(series);
  const std::vector<LabelledPoint> points = pointsOf(rows, series, distinct, style);

  QValueAxis* size = linearAxis(rangeOf(points, true), style);
  size->setTitleText(chartText(tr("artifact size, MiB")));
  QAbstractAxis* perplexity = perplexityAxis(rangeOf(points, false), style);
  perplexity->setTitleText(chartText(tr("perplexity")));
  chart->addAxis(size, Qt::AlignBottom);
  chart->addAxis(perplexity, Qt::AlignLeft);
  std::vector<LegendEntry> legend;
  for (int number = 0; number < distinct.size(); ++number) {
    if (!series.contains(distinct[number]))
      continue;
    auto* scatter = new QScatterSeries;
    scatter->setName(chartText(distinct[number]));
    legend.push_back({distinct[number], seriesColor(number, style)});
    scatter->setColor(seriesColor(number, style));
    scatter->setBorderColor(style.background);
    scatter->setMarkerSize(11);
    for (size_t i = 0; i < rows.size(); ++i)
      if (series[static_cast<qsizetype>(i)] == distinct[number])
        scatter->append(points[i].value);
    chart->addSeries(scatter);
    scatter->attachAxis(size);
    scatter->attachAxis(perplexity);
  }
  chart->legend()->hide();
  if (legend.size() > 1)
    new WrappedLegend(chart.get(), std::move(legend), style);
  new PointLabels(chart.get(), points, style);
  return chart;
}

} // namespace nibblesmith::ui
