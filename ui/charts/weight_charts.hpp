// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "checkpoint/weight_statistics.hpp"
#include "ui/charts/chart_style.hpp"

#include <memory>

class QChart;

namespace nibblesmith::ui {

/// How many weights have which value, on a logarithmic axis: outliers are few, and what a grid's range is
/// lost on.
std::unique_ptr<QChart> makeWeightHistogram(const checkpoint::WeightStatistics& statistics,
                                            const ChartStyle& style);

/// The largest |weight| of every input channel, outliers marked. Needs channel magnitudes.
std::unique_ptr<QChart> makeChannelChart(const checkpoint::WeightStatistics& statistics,
                                         const ChartStyle& style);

} // namespace nibblesmith::ui
