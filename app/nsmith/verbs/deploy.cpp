// SPDX-License-Identifier: Apache-2.0
#include "artifact_options.hpp"
#include "device_access.hpp"
#include "evaluation_options.hpp"

#include <cstdio>

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

/// "version 726c23ae75d8 (before: 16792c52bb89), sha256 ...": without the directory they lie in.
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

/// What is on the device and not this program's: it was not touched.
void printKept(const devices::DeploymentResult& deployment) {
  for (const std::string& name : deployment.kept)
    std::printf("note: %s on the device stays, this program did not put it there\n", name.c_str());
}

base::Json rollBack(const Invocation& call, const workflow::DeviceAccess& access) {
  const devices::DeploymentResult deployment = workflow::rollBack(access, call.services(), call.stop());
  if (!call.json()) {
    std::printf("%s is back on %s\n", access.device.name.c_str(), describe(deployment).c_str());
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
    std::printf("%s%s%s on %s: %s\n", request.artifact.c_str(), type.empty() ? "" : " as ", type.c_str(),
                access.device.name.c_str(), describe(result.deployment).c_str());
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
