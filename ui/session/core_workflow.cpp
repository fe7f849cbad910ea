// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/workflow_calls.hpp"

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
  calls.experiments = [](const std::filesystem::path& path) {
    return experiments::ExperimentLog(path).experiments();
  };
  return calls;
}

} // namespace nibblesmith::ui
