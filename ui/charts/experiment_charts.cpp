// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/experiment_charts.hpp"

#include "ui/charts/bar_chart.hpp"
#include "ui/charts/quality_chart.hpp"
#include "ui/models/experiment_columns.hpp"
#include "ui/session/text.hpp"

#include <QChart>
#include <QCoreApplication>

#include <algorithm>
#include <set>

namespace nibblesmith::ui {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("ExperimentCharts", text); }

/// Returns the metric that a row needs to appear in the chart.
const char* keyMetric(ChartKind kind) {
  switch (kind) {
  case ChartKind::Quality:
    return "perplexity";
  case ChartKind::Latency:
    return "tokenMsP50";
  case ChartKind::Memory:
    return "peakRssBytes";
  case ChartKind::Rouge:
    return "rouge1";
  }
  return "";
}

ChartRows rowsWith(ChartKind kind, const ChartRows& rows, const QString& dataset) {
  ChartRows chosen;
  for (const ExperimentRow& row : rows)
    if (metricOf(row, keyMetric(kind), kind == ChartKind::Rouge ? dataset : QString()) &&
        chosen.size() < kMostChartRows)
      chosen.push_back(row);
  return chosen;
}

BarGroup group(const QString& name, const ChartRows& rows, const std::string& metric, double scale,
               const QString& dataset = {}) {
  BarGroup bars{name, {}};
  for (const ExperimentRow& row : rows)
    bars.values.push_back(metricOf(row, metric, dataset).value_or(0) * scale);
  return bars;
}

BarChart latencyBars(const ChartRows& rows) {
  return {chartNames(rows),
          tr("Latency, milliseconds per token (less is better)"),
          2,
          {group(tr("median"), rows, "tokenMsP50", 1), group(tr("90th percentile"), rows, "tokenMsP90", 1)}};
}

BarChart memoryBars(const ChartRows& rows) {
  constexpr double kMiB = 1024.0 * 1024.0;
  return {chartNames(rows),
          tr("Memory, MiB (less is better)"),
          1,
          {group(tr("peak memory of the process"), rows, "peakRssBytes", 1 / kMiB),
           group(tr("weights"), rows, "weightBytes", 1 / kMiB)}};
}

BarChart rougeBars(const ChartRows& rows, const QString& dataset) {
  return {chartNames(rows),
          dataset.isEmpty() ? tr("ROUGE F1, 0 to 100 (more is better)")
                            : tr("ROUGE F1 on %1, 0 to 100 (more is better)").arg(dataset),
          1,
          {group(tr("ROUGE-1"), rows, "rouge1", 100, dataset),
           group(tr("ROUGE-2"), rows, "rouge2", 100, dataset),
           group(tr("ROUGE-L"), rows, "rougeL", 100, dataset)}};
}

} // namespace

QString chartTitle(ChartKind kind) {
  switch (kind) {
  case ChartKind::Quality:
    return tr("Quality against size");
  case ChartKind::Latency:
    return tr("Latency per token");
  case ChartKind::Memory:
    return tr("Memory");
  case ChartKind::Rouge:
    return tr("ROUGE");
  }
  return {};
}

QString chartFileName(ChartKind kind) {
  switch (kind) {
  case ChartKind::Quality:
    return QStringLiteral("quality");
  case ChartKind::Latency:
    return QStringLiteral("latency");
  case ChartKind::Memory:
    return QStringLiteral("memory");
  case ChartKind::Rouge:
    return QStringLiteral("rouge");
  }
  return {};
}

QString chartHint(ChartKind kind) {
  switch (kind) {
  case ChartKind::Quality:
    return tr("No perplexity yet. Select an experiment and choose Evaluate, with a text file.");
  case ChartKind::Latency:
  case ChartKind::Memory:
    return tr("Not measured yet. Select an experiment and choose Benchmark.");
  case ChartKind::Rouge:
    return tr("No ROUGE yet. Select an experiment and choose Evaluate, with a file of pairs.");
  }
  return {};
}

bool hasChartData(ChartKind kind, const ChartRows& rows, const QString& dataset) {
  return !rowsWith(kind, rows, dataset).empty();
}

std::unique_ptr<QChart> makeChart(ChartKind kind, const ChartRows& rows, const ChartStyle& style,
                                  const QString& dataset) {
  const ChartRows shown = rowsWith(kind, rows, dataset);
  std::unique_ptr<QChart> chart;
  switch (kind) {
  case ChartKind::Quality:
    chart = makeQualityChart(shown, style);
    break;
  case ChartKind::Latency:
    chart = makeBarChart(latencyBars(shown), style);
    break;
  case ChartKind::Memory:
    chart = makeBarChart(memoryBars(shown), style);
    break;
  case ChartKind::Rouge:
    chart = makeBarChart(rougeBars(shown, dataset), style);
    break;
  }
  return chart;
}

QStringList chartNames(const ChartRows& rows) {
  std::set<std::string> models, devices;
  for (const ExperimentRow& row : rows) {
    models.insert(row.modelName);
    devices.insert(row.device);
  }
  QStringList names;
  for (const ExperimentRow& row : rows) {
    QString name = foreignText(row.artifactName);
    if (models.size() > 1 && row.artifactName != row.modelName)
      name = foreignText(row.modelName) + QStringLiteral(", ") + name;
    if (devices.size() > 1)
      name += row.device.empty() ? tr(" (here)") : QStringLiteral(" (%1)").arg(foreignText(row.device));
    names << name;
  }
  return names;
}

} // namespace nibblesmith::ui
