// SPDX-License-Identifier: Apache-2.0
#include "workflow/deploy.hpp"
#include "artifact_options.hpp"
#include "device_access.hpp"
#include "devices/deployment.hpp"
#include "devices/device.hpp"
#include "evaluation_options.hpp"
#include "export/gguf.hpp"
#include "output.hpp"
#include "workflow/deployed_versions.hpp"

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "device", "NAME", "A device of 'nsmith devices'.");
  addOption(parser, "type", "TYPE",
            "GGUF type for an artifact that is no GGUF file yet: " + exporting::ggufTypesText() +
                " (what holds it without loss, else Q8_0).");
  addOption(parser, "no-benchmark", "", "Do not measure on the device.");
  addExpectOption(parser);
  addOption(parser, "roll-back", "", "Go back to the version before instead; no ARTIFACT then.");
  addAccessOptions(parser);
  addBenchmarkOptions(parser);
}

/// Returns "version 726c23ae75d8 (before: 16792c52bb89), sha256 ...", without directories.
std::string describe(const devices::DeploymentResult& deployment) {
  const std::string before = std::filesystem::path(deployment.previous).filename().string();
  return "version " + std::filesystem::path(deployment.version).filename().string() +
         (before.empty() ? "" : " (before: " + before + ")") + ", sha256 " + deployment.sha256;
}

base::Json toJson(const devices::DeploymentResult& deployment) {
  return {{"path", deployment.remotePath},
          {"version", deployment.version},
          {"previous", deployment.previous},
          {"sha256", deployment.sha256},
          {"kept", deployment.kept}};
}

/// Prints the entries on the device that do not belong to this program and were left untouched.
void printKept(const devices::DeploymentResult& deployment) {
  for (const std::string& name : deployment.kept)
    print("note: {} on the device stays, this program did not put it there\n", {name});
}

/// Prints the current version and the one to roll back to. After a roll-back, notes that another one returns
/// to the newer version.
void announce(const std::string& device, const workflow::DeployedVersions& versions) {
  if (versions.current)
    print("{} runs {}\n", {device, workflow::describe(*versions.current)});
  if (versions.previous)
    print("{} {}\n",
          {versions.previousIsNewer() ? "It goes forward again, since it was rolled back before, to"
                                      : "It goes back to",
           workflow::describe(*versions.previous)});
}

base::Json rollBack(const Invocation& call, const workflow::DeviceAccess& access) {
  const auto tell = [&](const workflow::DeployedVersions& versions) {
    if (!call.json())
      announce(access.device.name, versions);
  };
  const devices::DeploymentResult deployment =
      workflow::rollBackAnnounced(access, tell, call.services(), call.stop());
  if (!call.json()) {
    print("{} runs {} now\n", {access.device.name, describe(deployment)});
    printKept(deployment);
  }
  return toJson(deployment);
}

base::Json run(const Invocation& call) {
  const devices::DeviceList list(devices::defaultDeviceListPath());
  const workflow::DeviceAccess access = accessTo(list, call.text("device"), call);
  if (call.has("roll-back"))
    return rollBack(call, access);
  workflow::DeployRequest request;
  request.artifact = call.positional(0, "ARTIFACT");
  request.expectedHash = expectedHash(call);
  if (call.has("type"))
    request.type = exporting::ggufTypeFromString(call.oneOf("type", exporting::ggufTypeNames()));
  request.access = access;
  request.benchmark = !call.has("no-benchmark");
  request.options = benchmarkFromOptions(call);
  const workflow::DeployResult result =
      workflow::deploy(request, call.services(), call.stop(), call.progress());
  const std::string type(result.exportedAs ? exporting::toString(*result.exportedAs) : "");
  if (!call.json()) {
    print("{}{}{} on {}: {}\n", {request.artifact, type.empty() ? "" : " as ", type, access.device.name,
                                 describe(result.deployment)});
    printKept(result.deployment);
    if (result.benchmark)
      printBenchmark(*result.benchmark);
  }
  base::Json json = toJson(result.deployment);
  if (result.exportedAs)
    json["exportedAs"] = type;
  if (result.benchmark)
    json["benchmark"] = benchmark::toJson(*result.benchmark);
  return json;
}

} // namespace

const Verb kDeploy = {"deploy", "ARTIFACT", "Push an artifact to a device and measure it there.", addOptions,
                      run};

} // namespace nibblesmith::nsmith
