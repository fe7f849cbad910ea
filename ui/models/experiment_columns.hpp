// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "experiments/experiment_log.hpp"
#include "quantization/parameters.hpp"
#include "ui/models/record_model.hpp"

#include <QStringList>

#include <optional>
#include <string>

namespace nibblesmith::ui {

using experiments::ExperimentRow;

/// Returns a metric of a row on `dataset`; if `dataset` is empty, the value over all data sets.
std::optional<double> metricOf(const ExperimentRow& row, const std::string& name,
                               const QString& dataset = {});
/// Returns the data sets of all "name@dataset" metrics, in alphabetical order.
QStringList datasetsOf(const std::vector<ExperimentRow>& rows);

/// Returns the labels of the methods in ExperimentRow::method: "smoothquant + RTN" in the log becomes
/// "SmoothQuant + RTN". Unknown names stay unchanged.
std::string methodLabels(const std::string& names,
                         const std::vector<quantization::MethodDescription>& methods);

/// Returns the columns of the Experiments page; `dataset` selects the ROUGE and BLEU values.
std::vector<Column<ExperimentRow>> experimentColumns(const QString& dataset = {});

} // namespace nibblesmith::ui
