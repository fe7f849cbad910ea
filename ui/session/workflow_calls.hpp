// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::workflow {
struct BenchmarkRequest;
struct CalibrationRequest;
struct DeletedFiles;
struct DeleteRequest;
struct DeployedVersions;
struct DeployRequest;
struct DeployResult;
struct DeviceAccess;
struct DeviceFit;
struct EvaluateRequest;
struct EvaluateResult;
struct ExportRequest;
struct FitRequest;
struct Inspection;
struct QuantizeEstimate;
struct QuantizeRequest;
struct QuantizeResult;
struct SensitivityRequest;
} // namespace nibblesmith::workflow
namespace nibblesmith::calibration {
struct CalibrationReport;
}
namespace nibblesmith::checkpoint {
struct WeightStatistics;
}
namespace nibblesmith::benchmark {
struct BenchmarkResult;
}
namespace nibblesmith::exporting {
struct Audit;
}
namespace nibblesmith::devices {
struct DeploymentResult;
struct Probe;
} // namespace nibblesmith::devices
namespace nibblesmith::experiments {
struct ExperimentRow;
}
namespace nibblesmith::quantization {
struct Sensitivity;
}

namespace nibblesmith::ui {

/// Interface of the window to the core: every long call that a page can start. The program fills it by
/// coreWorkflow(), tests by functions of their own. All functions are called on workers.
struct WorkflowCalls {
  template <typename Result, typename Request>
  using Call = std::function<Result(const Request&, const workflow::Services&, const std::stop_token&,
                                    base::Progress&)>;

  std::function<workflow::Inspection(const std::filesystem::path&, const std::stop_token&)> inspect;
  std::function<checkpoint::WeightStatistics(const std::filesystem::path& model, const std::string& tensor,
                                             const std::stop_token&)>
      weightStatistics;
  std::function<std::vector<workflow::DeviceFit>(const workflow::FitRequest&, const workflow::Services&)> fit;
  std::function<workflow::QuantizeEstimate(const workflow::QuantizeRequest&, const workflow::Services&)>
      estimate;
  Call<calibration::CalibrationReport, workflow::CalibrationRequest> checkCalibration;
  Call<quantization::Sensitivity, workflow::SensitivityRequest> sensitivity;
  Call<workflow::QuantizeResult, workflow::QuantizeRequest> quantize;
  Call<workflow::EvaluateResult, workflow::EvaluateRequest> evaluate;
  Call<benchmark::BenchmarkResult, workflow::BenchmarkRequest> benchmark;
  Call<exporting::Audit, workflow::ExportRequest> exportModel;
  Call<workflow::DeployResult, workflow::DeployRequest> deploy;

  std::function<workflow::DeletedFiles(const workflow::DeleteRequest&, const workflow::Services&,
                                       const std::stop_token&)>
      deleteFiles;
  std::function<devices::Probe(const workflow::DeviceAccess&, const std::stop_token&)> probe;
  std::function<workflow::DeployedVersions(const workflow::DeviceAccess&, const workflow::Services&,
                                           const std::stop_token&)>
      deployedVersions;
  std::function<devices::DeploymentResult(const workflow::DeviceAccess&, const std::string& expected,
                                          const workflow::Services&, const std::stop_token&)>
      rollBack;

  std::function<std::vector<experiments::ExperimentRow>(const std::filesystem::path& log,
                                                        const std::stop_token&)>
      experiments;
};

/// Returns the real functions of the core.
WorkflowCalls coreWorkflow();

} // namespace nibblesmith::ui
