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

/// A metric of a row, measured on `dataset`; on an empty dataset the value over all of them.
std::optional<double> metricOf(const ExperimentRow& row, const std::string& name,
                               const QString& dataset = {});
/// The sets of "name@set" metrics that occur, in alphabetical order.
QStringList datasetsOf(const std::vector<ExperimentRow>& rows);

/// ExperimentRow::method for people: "smoothquant + RTN", as the log has it, is "SmoothQuant + RTN". What
/// none of the methods is called stays.
std::string methodLabels(const std::string& names,
                         const std::vector<quantization::MethodDescription>& methods);

/// The columns of the Experiments page; `dataset` chooses what ROUGE and BLEU show.
std::vector<Column<ExperimentRow>> experimentColumns(const QString& dataset = {});

} // namespace nibblesmith::ui
