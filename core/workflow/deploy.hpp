// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmark/benchmark.hpp"
#include "devices/deployment.hpp"
#include "export/gguf.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

namespace nibblesmith::workflow {

/// Connection settings for calls that use a device.
struct DeviceAccess {
  devices::Device device;
  std::filesystem::path knownHostsFile; ///< see devices::DeviceList::knownHostsFile()
  devices::ConfirmHostKey confirmHostKey;
};
devices::Probe probeDevice(const DeviceAccess& access, const std::stop_token& stop);
/// Switches to the version before the current one. Logs a new deployment of that version if the log contains
/// it: the newest deployment of a device is the version that runs. expected: name of the version shown to the
/// user; if the device would switch to another one by now, throws base::Error{InvalidArgument} and changes
/// nothing. Empty: any version.
devices::DeploymentResult rollBack(const DeviceAccess& access, const std::string& expected,
                                   const Services& services, const std::stop_token& stop);

struct DeployRequest {
  std::filesystem::path artifact;
  std::optional<exporting::GgufType> type; ///< none: lossless type if there is one, else Q8_0
  DeviceAccess access;
  bool benchmark = true;
  benchmark::BenchmarkOptions options;
  std::string expectedHash = {};
};
struct DeployResult {
  devices::Probe probe;
  std::optional<exporting::GgufType> exportedAs; ///< none: the artifact is already a GGUF file
  devices::DeploymentResult deployment;
  std::optional<benchmark::BenchmarkResult> benchmark;
};
DeployResult deploy(const DeployRequest& request, const Services& services, const std::stop_token& stop,
                    base::Progress& progress);

} // namespace nibblesmith::workflow
