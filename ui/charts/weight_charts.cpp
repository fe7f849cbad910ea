// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/weight_charts.hpp"

#include "ui/charts/chart_frame.hpp"

#include <QAreaSeries>
#include <QChart>
#include <QCoreApplication>
#include <QLegend>
#include <QLineSeries>
#include <QLogValueAxis>
#include <QScatterSeries>
#include <QValueAxis>

#include <algorithm>
#include <cmath>

namespace nibblesmith::ui {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("WeightCharts", text); }

/// Maximum number of points of a line; longer data are reduced to the maximum of each group of neighbours.
constexpr size_t kMostPoints = 1024;

QValueAxis* valueAxis(double low, double high, const QString& title, const ChartStyle& style) {
  const double step = niceStep(high - low, 4);
  auto* axis = new QValueAxis;
  axis->setRange(low, high);
  axis->setTickType(QValueAxis::TicksDynamic);
  axis->setTickAnchor(0);
  axis->setTickInterval(step);
  axis->setLabelFormat(QStringLiteral("%.%1f").arg(decimalsOf(step)));
  axis->setTitleText(chartText(title));
  styleAxis(*axis, style);
  return axis;
}

/// Returns the outline of adjacent bars from -limit to limit, with heights of at least `floor`.
QLineSeries* outline(const std::vector<uint64_t>& counts, double limit, double floor, QObject* owner) {
  auto* line = new QLineSeries(owner);
  const double width = 2 * limit / static_cast<double>(counts.size());
  for (size_t i = 0; i < counts.size(); ++i) {
    const double left = -limit + width * static_cast<double>(i);
    const double height = std::max(floor, static_cast<double>(counts[i]));
    line->append(left, height);
    line->append(left + width, height);
  }
  return line;
}

} // namespace

std::unique_ptr<QChart> makeWeightHistogram(const checkpoint::WeightStatistics& statistics,
                                            const ChartStyle& style) {
  auto chart = makeStyledChart(style);
  chart->setTitle(chartText(tr("Values")));
  // A log axis has no zero: empty bins have a height below one.
  constexpr double kFloor = 0.5;
  const double limit = statistics.limit > 0 ? static_cast<double>(statistics.limit) : 1.0;
  const uint64_t most = *std::max_element(statistics.histogram.begin(), statistics.histogram.end());
  auto* area = new QAreaSeries;
  area->setUpperSeries(outline(statistics.histogram, limit, kFloor, area));
  auto* base = new QLineSeries(area);
  base->append(-limit, kFloor);
  base->append(limit, kFloor);
  area->setLowerSeries(base);
  const QColor color = seriesColor(0, style);
  area->setColor(color);
  area->setBorderColor(color);
  chart->addSeries(area);
  auto* counts = new QLogValueAxis;
  counts->setBase(10);
  counts->setRange(kFloor, std::max(10.0, 2.0 * static_cast<double>(most)));
  counts->setLabelFormat(QStringLiteral("%g"));
  counts->setTitleText(chartText(tr("weights")));
  styleAxis(*counts, style);
  QValueAxis* values = valueAxis(-limit, limit, tr("value"), style);
  chart->addAxis(values, Qt::AlignBottom);
  chart->addAxis(counts, Qt::AlignLeft);
  area->attachAxis(values);
  area->attachAxis(counts);
  chart->legend()->hide();
  return chart;
}

std::unique_ptr<QChart> makeChannelChart(const checkpoint::WeightStatistics& statistics,
                                         const ChartStyle& style) {
  auto chart = makeStyledChart(style);
  chart->setTitle(chartText(tr("Largest weight of each input channel")));
  const std::vector<float>& magnitudes = statistics.channelMagnitudes;
  const size_t piece = (magnitudes.size() + kMostPoints - 1) / kMostPoints;
  auto* line = new QLineSeries;
  for (size_t begin = 0; begin < magnitudes.size(); begin += piece) {
    const auto end = std::min(begin + piece, magnitudes.size());
    const auto largest = std::max_element(magnitudes.begin() + static_cast<ptrdiff_t>(begin),
                                          magnitudes.begin() + static_cast<ptrdiff_t>(end));
    line->append(static_cast<double>(largest - magnitudes.begin()), static_cast<double>(*largest));
  }
  line->setPen(QPen(seriesColor(0, style), 1.2));
  auto* outliers = new QScatterSeries;
  outliers->setColor(seriesColor(1, style));
  outliers->setBorderColor(style.background);
  outliers->setMarkerSize(8);
  const size_t shown = std::min(statistics.outlierChannels.size(), kMostPoints);
  for (size_t i = 0; i < shown; ++i) {
    const int64_t channel = statistics.outlierChannels[i];
    outliers->append(static_cast<double>(channel),
                     static_cast<double>(magnitudes[static_cast<size_t>(channel)]));
  }
  QValueAxis* channels = valueAxis(0, static_cast<double>(magnitudes.size()), tr("input channel"), style);
  const auto highest = static_cast<double>(*std::max_element(magnitudes.begin(), magnitudes.end()));
  QValueAxis* values = valueAxis(0, highest > 0 ? highest * 1.1 : 1.0, tr("|weight|"), style);
  chart->addAxis(channels, Qt::AlignBottom);
  chart->addAxis(values, Qt::AlignLeft);
  for (QXYSeries* series : {static_cast<QXYSeries*>(line), static_cast<QXYSeries*>(outliers)}) {
    chart->addSeries(series);
    series->attachAxis(channels);
    series->attachAxis(values);
  }
  chart->legend()->hide();
  return chart;
}

} // namespace nibblesmith::ui
