// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/weight_statistics.hpp"
#include "ui/charts/chart_style.hpp"

#include <memory>

class QChart;

namespace nibblesmith::ui {

/// Returns a histogram of the weights with a logarithmic count axis, because outliers are few but determine
/// the range of a grid.
std::unique_ptr<QChart> makeWeightHistogram(const checkpoint::WeightStatistics& statistics,
                                            const ChartStyle& style);

/// Returns a chart of the largest |weight| of every input channel, with outliers marked. Needs channel
/// magnitudes.
std::unique_ptr<QChart> makeChannelChart(const checkpoint::WeightStatistics& statistics,
                                         const ChartStyle& style);

} // namespace nibblesmith::ui
