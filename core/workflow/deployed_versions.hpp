// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/installed_versions.hpp"
#include "experiments/experiment_log.hpp"
#include "workflow/deploy.hpp"

#include <functional>

namespace nibblesmith::workflow {

/// Version on a device, with the data that the experiment log has about it.
struct DeployedVersion {
  devices::InstalledVersion installed;
  std::string model;    ///< model name; "" if the log does not contain the version
  std::string artifact; ///< artifact name; "" if the log does not contain the version
  /// Time of the first deployment, ISO 8601, UTC; "" if the log does not contain the version.
  std::string deployedAt;
  std::optional<experiments::RowId> run; ///< run of the first deployment
};

/// Versions on a device: the one that runs, and the one that a roll-back would switch to.
struct DeployedVersions {
  std::optional<DeployedVersion> current;
  std::optional<DeployedVersion> previous;

  /// True if the previous version was deployed after the current one. This is the case after a roll-back;
  /// another roll-back would then return to the newer version. False if the log does not contain both.
  bool previousIsNewer() const;
};

/// Queries the device. Throws like probeDevice().
DeployedVersions deployedVersions(const DeviceAccess& access, const Services& services,
                                  const std::stop_token& stop);

/// Queries the device, calls `announce`, and rolls back to the version that was announced. All of it is one
/// run in the log: a device that cannot be queried is a failed roll back. Throws like rollBack().
devices::DeploymentResult rollBackAnnounced(const DeviceAccess& access,
                                            const std::function<void(const DeployedVersions&)>& announce,
                                            const Services& services, const std::stop_token& stop);

/// Returns "demo, GPTQ 4-bit (run 12, 2026-03-01T10:00:00Z)", or the name of the version if the log does not
/// contain it.
std::string describe(const DeployedVersion& version);

} // namespace nibblesmith::workflow
