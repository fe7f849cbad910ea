// SPDX-License-Identifier: Apache-2.0
#include "workflow/benchmark_log.hpp"
#include "workflow/requests.hpp"

#include "base/file.hpp"

namespace nibblesmith::workflow {

namespace {

base::Json toJson(const devices::Probe& probe) {
  return {{"machine", probe.machine}, {"kernel", probe.kernel}, {"cpu", probe.cpu}, {"cores", probe.cores},
          {"memoryBytes", probe.memoryBytes}, {"freeDiskBytes", probe.freeDiskBytes}, {"governor", probe.governor}};
}

/// The runner built for the device's instruction set: nsmith-runner for this machine's own, else
/// nsmith-runner-<machine> beside it.
std::filesystem::path runnerFor(const std::string& machine, const std::filesystem::path& local) {
  if (machine == NIB_HOST_MACHINE)
    return local;
  const std::filesystem::path other = local.parent_path() / ("nsmith-runner-" + machine);
  if (!std::filesystem::exists(other))
    throw base::Error(base::ErrorCode::NotSupported, "the device is a '" + machine + "': expected a runner for it at '" +
                                                         other.string() + "', found none");
  return other;
}

/// The file to push: the artifact itself where it is a GGUF, else its export in the cache.
std::filesystem::path ggufOf(const DeployRequest& request, const Services& services, const std::stop_token& stop,
                             base::Progress& progress) {
  if (!std::filesystem::is_directory(request.artifact))
    return request.artifact;
  const std::filesystem::path out =
      base::cacheDirectory() / "deploy" / (std::filesystem::absolute(request.artifact).lexically_normal().filename().string() + ".gguf");
  Services unlogged = services;
  unlogged.log.clear();
  const exporting::GgufType type =
      request.type ? *request.type
                   : exporting::losslessGgufType(*model::openModel(request.artifact)).value_or(exporting::GgufType::Q8_0);
  exportModel({request.artifact, type, out}, unlogged, stop, progress);
  return out;
}

devices::SshSession connect(const DeviceAccess& access, const std::stop_token& stop) {
  return {access.device, access.knownHostsFile, access.confirmHostKey, stop};
}

} // namespace

devices::Probe probeDevice(const DeviceAccess& access, const std::stop_token& stop) {
  devices::SshSession session = connect(access, stop);
  return devices::probe(session, access.device.directory, stop);
}

devices::DeploymentResult rollBack(const DeviceAccess& access, const std::stop_token& stop) {
  devices::SshSession session = connect(access, stop);
  return devices::rollBack(session, access.device.directory, stop);
}

DeployResult deploy(const DeployRequest& request, const Services& services, const std::stop_token& stop,
                    base::Progress& progress) {
  DeployResult result;
  const base::Json context = {{"host", request.access.device.host}, {"user", request.access.device.user}};
  base::SubProgress exporting(progress, 0, 0.2, "preparing");
  const std::filesystem::path gguf = ggufOf(request, services, stop, exporting);
  progress.report(0.2, "connecting to " + request.access.device.name);
  devices::SshSession session = connect(request.access, stop);
  withLoggedRun(services, experiments::RunKind::Deploy, request.artifact, request.access.device.name, context, stop,
                [&](LoggedRun& run) {
                  result.probe = devices::probe(session, request.access.device.directory, stop);
                  base::SubProgress uploading(progress, 0.22, 0.7, "deploying");
                  result.deployment =
                      devices::deploy(session, request.access.device.directory, gguf,
                                      runnerFor(result.probe.machine, services.runner), stop, uploading);
                  run.metric("deployedBytes", static_cast<double>(std::filesystem::file_size(gguf)), "B");
                });
  if (request.benchmark) {
    base::SubProgress measuring(progress, 0.7, 1.0, "measuring on " + request.access.device.name);
    const base::Json probed = {{"device", toJson(result.probe)}};
    withLoggedRun(services, experiments::RunKind::Benchmark, request.artifact, request.access.device.name, probed, stop,
                  [&](LoggedRun& run) {
                    result.benchmark =
                        devices::runRemoteBenchmark(session, result.deployment, request.options, stop, measuring);
                    logBenchmark(run, *result.benchmark);
                  });
  }
  progress.report(1, "done");
  return result;
}

} // namespace nibblesmith::workflow
