// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "experiments/experiment_log.hpp"

#include <QString>

#include <vector>

class QWidget;

namespace nibblesmith::ui {

class Session;

/// Returns "SmolLM2-135M, GPTQ 4-bit".
QString artifactTitle(const experiments::ExperimentRow& row);

/// Ask for the settings of a job on artifacts of the log, and add it to the queue. GUI thread.
void askToEvaluate(Session& session, const std::vector<experiments::ExperimentRow>& rows, QWidget* parent);
void askToBenchmark(Session& session, const std::vector<experiments::ExperimentRow>& rows, QWidget* parent);
void askToExport(Session& session, const experiments::ExperimentRow& row, QWidget* parent);
/// Asks for a deployment. artifact: row to propose, or 0; device: name to propose, or empty.
void askToDeploy(Session& session, experiments::RowId artifact, const QString& device, QWidget* parent);
void askToDelete(Session& session, const std::vector<experiments::ExperimentRow>& rows, QWidget* parent);

} // namespace nibblesmith::ui
