// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "experiments/experiment_log.hpp"
#include "ui/charts/chart_style.hpp"

#include <QString>
#include <QStringList>

#include <array>
#include <memory>
#include <vector>

class QChart;

namespace nibblesmith::ui {

enum class ChartKind { Quality, Latency, Memory, Rouge };
inline constexpr std::array kAllCharts = {ChartKind::Quality, ChartKind::Latency, ChartKind::Memory,
                                          ChartKind::Rouge};
/// Maximum number of rows in one chart; further rows are omitted and the page shows a note.
inline constexpr size_t kMostChartRows = 12;

using ChartRows = std::vector<experiments::ExperimentRow>;

QString chartTitle(ChartKind kind);
/// Returns the base name of an exported file: "quality", "latency", ...
QString chartFileName(ChartKind kind);
/// True if any row has the metric that the chart shows.
bool hasChartData(ChartKind kind, const ChartRows& rows, const QString& dataset = {});
/// Returns the hint of an empty chart: what to do to fill it.
QString chartHint(ChartKind kind);

/// Returns a chart. Quality: perplexity over size, with standard errors. Latency: p50 and p90 of the
/// milliseconds per token. Memory: peak RSS and weight bytes. Rouge: ROUGE-1/2/L F1 on `dataset` (empty: mean
/// over all). Rows without the metric are omitted. GUI thread.
std::unique_ptr<QChart> makeChart(ChartKind kind, const ChartRows& rows, const ChartStyle& style,
                                  const QString& dataset = {});

/// Returns the shortest distinct names of the rows: the artifact's name, with model and device if these
/// differ.
QStringList chartNames(const ChartRows& rows);

} // namespace nibblesmith::ui
