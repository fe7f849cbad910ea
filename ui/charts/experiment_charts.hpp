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
/// Rows that one chart shows; the rest is left out, and the page says so.
inline constexpr size_t kMostChartRows = 12;

using ChartRows = std::vector<experiments::ExperimentRow>;

QString chartTitle(ChartKind kind);
/// "quality", "latency", ...: the stem of an exported file.
QString chartFileName(ChartKind kind);
/// Whether any row has what the chart shows.
bool hasChartData(ChartKind kind, const ChartRows& rows, const QString& dataset = {});
/// What to do to fill the chart.
QString chartHint(ChartKind kind);

/// quality: perplexity over size, with standard errors; latency: p50 and p90 of the milliseconds per token;
/// memory: peak RSS and weight bytes; rouge: ROUGE-1/2/L F1 of `dataset` (empty: of all).
/// Rows without the figures are left out. GUI thread.
std::unique_ptr<QChart> makeChart(ChartKind kind, const ChartRows& rows, const ChartStyle& style,
                                  const QString& dataset = {});

/// The shortest names that tell the rows apart: the artifact's, with model and device where these differ.
QStringList chartNames(const ChartRows& rows);

} // namespace nibblesmith::ui
