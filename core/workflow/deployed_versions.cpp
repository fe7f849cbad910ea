// SPDX-License-Identifier: Apache-2.0
#include "workflow/deployed_versions.hpp"

#include "base/input_file.hpp"

namespace nibblesmith::workflow {

namespace {

using experiments::DeploymentRow;
using experiments::ExperimentLog;
using experiments::RunRow;

/// Returns the run that deployed an artifact to a device at that time: the last one that had started by then.
std::optional<experiments::RowId> runOf(const ExperimentLog& log, const DeploymentRow& deployment) {
  std::optional<experiments::RowId> found;
  for (const RunRow& run : log.runs(deployment.artifact))
    if (run.kind == experiments::RunKind::Deploy && run.device == deployment.device &&
        run.startedAt <= deployment.deployedAt && (!found || run.id > *found))
      found = run.id;
  return found;
}

void addWhatTheLogKnows(DeployedVersion& version, const ExperimentLog& log, const std::string& device) {
  std::optional<DeploymentRow> first;
  for (const DeploymentRow& row : log.deployments()) // newest first
    if (row.device == device && row.version == version.installed.name)
      first = row;
  if (!first)
    return;
  version.deployedAt = first->deployedAt;
  version.run = runOf(log, *first);
  for (const experiments::ExperimentRow& row : log.experiments())
    if (row.artifact == first->artifact) {
      version.model = row.modelName;
      version.artifact = row.artifactName;
      return;
    }
}

} // namespace

bool DeployedVersions::previousIsNewer() const {
  return current && previous && !current->deployedAt.empty() && previous->deployedAt > current->deployedAt;
}

DeployedVersions deployedVersions(const DeviceAccess& access, const Services& services,
                                  const std::stop_token& stop) {
  devices::SshSession session(access.device, access.knownHostsFile, access.confirmHostKey, stop);
  const devices::InstalledVersions installed =
      devices::installedVersions(session, access.device.directory, stop);
  DeployedVersions versions;
  const auto describeBy = [&](const std::optional<devices::InstalledVersion>& version) {
    return version ? std::optional(DeployedVersion{*version, {}, {}, {}, {}}) : std::nullopt;
  };
  versions.current = describeBy(installed.current);
  versions.previous = describeBy(installed.previous);
  if (services.log.empty() || !base::fileExists(services.log))
    return versions;
  const ExperimentLog log(services.log, stop);
  for (std::optional<DeployedVersion>* version : {&versions.current, &versions.previous})
    if (*version)
      addWhatTheLogKnows(**version, log, access.device.name);
  return versions;
}

std::string describe(const DeployedVersion& version) {
  if (version.artifact.empty())
    return "version " + version.installed.name + ", which this log does not know";
  std::string text = version.model.empty() || version.model == version.artifact
                         ? version.artifact
                         : version.model + ", " + version.artifact;
  text += " (version " + version.installed.name;
  if (version.run)
    text += ", run " + std::to_string(*version.run);
  return text + ", deployed " + version.deployedAt + ")";
}

} // namespace nibblesmith::workflow
