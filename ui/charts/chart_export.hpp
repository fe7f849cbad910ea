// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/charts/experiment_charts.hpp"

#include <QSizeF>

#include <filesystem>

namespace nibblesmith::ui {

inline constexpr QSizeF kExportSize{760, 460};

/// True if this build can write SVG (Qt Svg).
bool canWriteSvg();

/// Writes one chart as .png at double resolution or as .svg, by the extension of the path. Throws
/// base::Error{Io, NotSupported}. GUI thread; needs no window.
void saveChart(ChartKind kind, const ChartRows& rows, const ChartStyle& style, const QString& dataset,
               const std::filesystem::path& path);

/// Saves every chart that has data to the directory, as PNG and, if this build can, as SVG. Returns the files
/// written. Throws base::Error{Io}.
std::vector<std::filesystem::path> renderCharts(const ChartRows& rows, const std::filesystem::path& directory,
                                                const ChartStyle& style = {}, const QString& dataset = {});

} // namespace nibblesmith::ui
