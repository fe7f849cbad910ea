// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/experiment_charts.hpp"

namespace nibblesmith::ui {

/// Returns a scatter chart of perplexity over size in MiB, with one colour per method, or per model if there
/// are several. Every row must have a perplexity. The perplexity axis is logarithmic if the largest value is
/// over twenty times the smallest.
std::unique_ptr<QChart> makeQualityChart(const ChartRows& rows, const ChartStyle& style);

} // namespace nibblesmith::ui
