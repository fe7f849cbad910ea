// SPDX-License-Identifier: Apache-2.0
#include "workflow/deploy.hpp"

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/path_status.hpp"
#include "devices/installed_versions.hpp"
#include "export/output_directory.hpp"
#include "workflow/benchmark_log.hpp"
#include "workflow/deployed_versions.hpp"
#include "workflow/export_file.hpp"
#include "workflow/identified_artifact.hpp"

namespace nibblesmith::workflow {

namespace {

base::Json toJson(const devices::Probe& probe) {
  return {
      {"machine", probe.machine},  {"kernel", probe.kernel},           {"cpu", probe.cpu},
      {"cores", probe.cores},      {"memoryBytes", probe.memoryBytes}, {"freeDiskBytes", probe.freeDiskBytes},
      {"governor", probe.governor}};
}

base::Json contextOf(const devices::Device& device) { return {{"host", device.host}, {"user", device.user}}; }

/// Returns the runner built for the device's instruction set: nsmith-runner if it is the same as this
/// machine's, else nsmith-runner-<machine> in the same directory.
std::filesystem::path runnerFor(const std::string& machine, const std::filesystem::path& local) {
  if (machine == NIB_HOST_MACHINE)
    return local;
  const std::filesystem::path other = local.parent_path() / ("nsmith-runner-" + machine);
  if (!base::fileExists(other))
    throw base::Error(base::ErrorCode::NotSupported,
                      "the device is a '" + machine + "': expected a runner for it at '" + other.string() +
                          "', found none ('./nib runner' builds the one for aarch64)");
  return other;
}

/// File to deploy: the artifact itself if it is a GGUF file, otherwise a temporary export that is deleted
/// with this object.
class GgufFile {
public:
  GgufFile(const DeployRequest& request, const std::stop_token& stop, base::Progress& progress)
      : m_path(request.artifact) {
    if (!base::isDirectory(request.artifact))
      return;
    const std::filesystem::path artifact = base::absolutePath(request.artifact);
    // One directory per artifact and device: files left by a killed program are reused, and concurrent
    // deployments to several devices do not collide.
    m_work.emplace(base::cacheDirectory() / "deploy" /
                       base::sha256(request.access.device.name + "\n" + artifact.string()).substr(0, 12),
                   "exporting '" + artifact.filename().string() + "' for " + request.access.device.name);
    m_work->clear(stop);
    const std::string name = artifact.filename().string() + ".gguf";
    m_path = m_work->path() / name;
    m_type = request.type;
    if (!m_type)
      m_type = exporting::losslessGgufType(*model::openModel(artifact)).value_or(exporting::GgufType::Q8_0);
    try {
      exporting::FileTarget target(m_path);
      target.beforeNaming = [this, name](base::WrittenFile file) {
        file.name = name;
        m_work->expectFile(file);
      };
      exportFile(artifact, *m_type, target, stop, progress);
    } catch (...) {
      exporting::removeQuietly(*m_work);
      throw;
    }
  }
  ~GgufFile() {
    if (m_work)
      exporting::removeQuietly(*m_work);
  }
  GgufFile(const GgufFile&) = delete;
  GgufFile& operator=(const GgufFile&) = delete;
  const std::filesystem::path& path() const { return m_path; }
  std::optional<exporting::GgufType> type() const { return m_type; }

private:
  std::optional<base::WorkDirectory> m_work; ///< none: nothing was exported
  std::filesystem::path m_path;
  std::optional<exporting::GgufType> m_type;
};

/// Returns the version's name as stored in the log, without its directory.
std::string nameOf(const std::string& version) { return std::filesystem::path(version).filename().string(); }

experiments::DeploymentRow rowOf(experiments::RowId artifact, const std::string& device,
                                 const devices::DeploymentResult& deployment) {
  experiments::DeploymentRow row;
  row.artifact = artifact;
  row.device = device;
  row.remotePath = deployment.remotePath;
  row.version = nameOf(deployment.version);
  row.previousVersion = nameOf(deployment.previous);
  row.sha256 = deployment.sha256;
  return row;
}

/// State of one deployment, shared by its steps.
struct Deploying {
  const DeployRequest& request;
  const Services& services;
  const std::stop_token& stop;
  std::optional<devices::SshSession> session;
  experiments::RowId artifact = 0; ///< row in the log
  DeployResult result;

  void connect() {
    session.emplace(request.access.device, request.access.knownHostsFile, request.access.confirmHostKey,
                    stop);
  }

  /// Records the export type: the deployed file may store the artifact with less precision.
  base::Json exportContext() const {
    return result.exportedAs ? base::Json{{"exportedAs", exporting::toString(*result.exportedAs)}}
                             : base::Json::object();
  }

  void deploy(LoggedRun& run, base::Progress& progress) {
    const devices::Device& device = request.access.device;
    progress.report(0, "connecting to " + device.name);
    // Connects before the export, which may take minutes: an unreachable or unsupported device is reported at
    // once.
    connect();
    result.probe = devices::probe(*session, device.directory, stop);
    run.context({{"device", toJson(result.probe)}});
    const std::filesystem::path runner = runnerFor(result.probe.machine, services.runner);
    // The server may have closed a connection that was idle for long.
    const bool exports = base::isDirectory(request.artifact);
    if (exports)
      session.reset();
    base::SubProgress checking(progress, 0.02, 0.07);
    const IdentifiedArtifact held = identifyArtifact(run, request.artifact, request.expectedHash,
                                                     Verification::ByContent, stop, checking);
    artifact = held.row;
    base::SubProgress preparing(progress, 0.07, 0.25, "preparing");
    const GgufFile gguf(request, stop, preparing);
    held.checkUnchanged(stop);
    if (exports)
      connect();
    result.exportedAs = gguf.type();
    run.context(exportContext());
    base::SubProgress uploading(progress, 0.25, 1, "deploying");
    result.deployment = devices::deploy(*session, device.directory, gguf.path(), runner, stop, uploading);
    checkDeployed(held);
    run.metric("deployedBytes", static_cast<double>(base::fileSize(gguf.path())), "B");
    if (run.log())
      run.log()->addDeployment(rowOf(artifact, device.name, result.deployment));
  }

  /// Checks that a GGUF file that is deployed without export arrived with the hash that was checked before.
  void checkDeployed(const IdentifiedArtifact& held) const {
    if (result.exportedAs || held.files.sha256 == result.deployment.sha256)
      return;
    throw base::Error(base::ErrorCode::Corrupt,
                      "'" + held.path.string() + "' changed while it was deployed: expected sha256 " +
                          held.files.sha256 + ", found " + result.deployment.sha256 + " on " +
                          request.access.device.name + ", where it is current now: roll back");
  }

  void measure(LoggedRun& run, base::Progress& progress) {
    run.artifact(artifact);
    run.context(exportContext());
    try {
      result.benchmark =
          devices::runRemoteBenchmark(*session, result.deployment, request.options, stop, progress);
    } catch (const base::Error& error) {
      throw base::Error(error.code(), "version " + nameOf(result.deployment.version) +
                                          " is deployed and current on " + request.access.device.name +
                                          ", but its benchmark failed: " + error.what());
    }
    logBenchmark(run, *result.benchmark);
  }
};

/// Returns the artifact that was deployed as this version; none if it was logged elsewhere.
std::optional<experiments::RowId> artifactOf(const experiments::ExperimentLog& log, const std::string& device,
                                             const devices::DeploymentResult& deployment) {
  for (const experiments::DeploymentRow& row : log.deployments())
    if (row.device == device && row.version == nameOf(deployment.version))
      return row.artifact;
  return std::nullopt;
}

void checkPrevious(const devices::InstalledVersions& installed, const std::string& expected,
                   const std::string& device) {
  const std::string found = installed.previous ? installed.previous->name : "none";
  if (found != expected)
    throw base::Error(base::ErrorCode::InvalidArgument,
                      device + " has changed meanwhile: expected to go back to version " + expected +
                          ", found " + found + "; look at what it runs and try again");
}

RunStart rollBackStart(const DeviceAccess& access) {
  return {experiments::RunKind::RollBack, access.device.name, contextOf(access.device)};
}

/// expected: name of the version to go back to; empty: any.
devices::DeploymentResult rollBackIn(LoggedRun& run, const DeviceAccess& access, const std::string& expected,
                                     const std::stop_token& stop) {
  devices::SshSession session(access.device, access.knownHostsFile, access.confirmHostKey, stop);
  if (!expected.empty())
    checkPrevious(devices::installedVersions(session, access.device.directory, stop), expected,
                  access.device.name);
  const devices::DeploymentResult deployment = devices::rollBack(session, access.device.directory, stop);
  if (!run.log())
    return deployment;
  if (const auto artifact = artifactOf(*run.log(), access.device.name, deployment)) {
    run.artifact(*artifact);
    run.log()->addDeployment(rowOf(*artifact, access.device.name, deployment));
  }
  return deployment;
}

} // namespace

devices::Probe probeDevice(const DeviceAccess& access, const std::stop_token& stop) {
  devices::SshSession session(access.device, access.knownHostsFile, access.confirmHostKey, stop);
  return devices::probe(session, access.device.directory, stop);
}

devices::DeploymentResult rollBack(const DeviceAccess& access, const std::string& expected,
                                   const Services& services, const std::stop_token& stop) {
  devices::DeploymentResult deployment;
  withLoggedRun(services, rollBackStart(access), stop,
                [&](LoggedRun& run) { deployment = rollBackIn(run, access, expected, stop); });
  return deployment;
}

devices::DeploymentResult rollBackAnnounced(const DeviceAccess& access,
                                            const std::function<void(const DeployedVersions&)>& announce,
                                            const Services& services, const std::stop_token& stop) {
  devices::DeploymentResult deployment;
  withLoggedRun(services, rollBackStart(access), stop, [&](LoggedRun& run) {
    const DeployedVersions versions = deployedVersions(access, services, stop);
    announce(versions);
    deployment =
        rollBackIn(run, access, versions.previous ? versions.previous->installed.name : std::string(), stop);
  });
  return deployment;
}

DeployResult deploy(const DeployRequest& request, const Services& services, const std::stop_token& stop,
                    base::Progress& progress) {
  const devices::Device& device = request.access.device;
  base::Json context = contextOf(device);
  context["artifact"] = request.artifact.string();
  Deploying deploying{request, services, stop, std::nullopt, 0, {}};
  base::SubProgress first(progress, 0, request.benchmark ? 0.7 : 1.0);
  withLoggedRun(services, {experiments::RunKind::Deploy, device.name, context, request.expectedHash}, stop,
                [&](LoggedRun& run) { deploying.deploy(run, first); });
  if (request.benchmark) {
    base::SubProgress second(progress, 0.7, 1.0, "measuring on " + device.name);
    context["device"] = toJson(deploying.result.probe);
    withLoggedRun(services, {experiments::RunKind::Benchmark, device.name, context}, stop,
                  [&](LoggedRun& run) { deploying.measure(run, second); });
  }
  progress.report(1, "done");
  return deploying.result;
}

} // namespace nibblesmith::workflow
