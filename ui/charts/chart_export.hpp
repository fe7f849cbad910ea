// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/experiment_charts.hpp"

#include <QSizeF>

#include <filesystem>

namespace nibblesmith::ui {

inline constexpr QSizeF kExportSize{760, 460};

/// Whether this build can write SVG (Qt Svg).
bool canWriteSvg();

/// Writes one chart as the path's ending says: .png in double resolution, or .svg. Throws base::Error{Io,
/// NotSupported}. GUI thread; needs no window.
void saveChart(ChartKind kind, const ChartRows& rows, const ChartStyle& style, const QString& dataset,
               const std::filesystem::path& path);

/// Saves every chart that has data into the directory, as PNG, and SVG where that can be. Returns the files
/// written. Throws base::Error{Io}.
std::vector<std::filesystem::path> renderCharts(const ChartRows& rows, const std::filesystem::path& directory,
                                                const ChartStyle& style = {}, const QString& dataset = {});

} // namespace nibblesmith::ui
