// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/workflow_calls.hpp"

#include "experiments/experiment_log.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/calibration_check.hpp"
#include "workflow/deploy.hpp"
#include "workflow/deployed_versions.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/export.hpp"
#include "workflow/fit.hpp"
#include "workflow/inspect.hpp"
#include "workflow/quantize.hpp"
#include "workflow/sensitivity.hpp"
#include "workflow/written_outputs.hpp"

namespace nibblesmith::ui {

WorkflowCalls coreWorkflow() {
  WorkflowCalls calls;
  calls.inspect = workflow::inspect;
  calls.weightStatistics = workflow::weightStatistics;
  calls.fit = workflow::fit;
  calls.estimate = workflow::estimate;
  calls.checkCalibration = workflow::checkCalibration;
  calls.sensitivity = workflow::sensitivity;
  calls.quantize = workflow::quantize;
  calls.evaluate = workflow::evaluate;
  calls.benchmark = workflow::runBenchmark;
  calls.exportModel = workflow::exportModel;
  calls.deploy = workflow::deploy;
  calls.deleteFiles = workflow::deleteFiles;
  calls.probe = workflow::probeDevice;
  calls.deployedVersions = workflow::deployedVersions;
  calls.rollBack = workflow::rollBack;
  calls.experiments = [](const std::filesystem::path& path, const std::stop_token& stop) {
    return experiments::ExperimentLog(path, stop).experiments();
  };
  return calls;
}

} // namespace nibblesmith::ui
