// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/experiment_charts.hpp"

namespace nibblesmith::ui {

/// Perplexity over size in MiB, a colour per model. Every row has a perplexity. The axis of perplexities
/// turns logarithmic where the largest is over twenty times the smallest.
std::unique_ptr<QChart> makeQualityChart(const ChartRows& rows, const ChartStyle& style);

} // namespace nibblesmith::ui
