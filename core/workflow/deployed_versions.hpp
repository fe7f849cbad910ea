// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/installed_versions.hpp"
#include "workflow/requests.hpp"

namespace nibblesmith::workflow {

/// A version on a device, with what the experiment log knows of it.
struct DeployedVersion {
  devices::InstalledVersion installed;
  std::string model;                     ///< name; "" where the log does not know the version
  std::string artifact;                  ///< likewise
  std::string deployedAt;                ///< the first time, ISO 8601, UTC; "" likewise
  std::optional<experiments::RowId> run; ///< that deployed it the first time
};

/// What runs on a device, and what a roll-back would switch to.
struct DeployedVersions {
  std::optional<DeployedVersion> current;
  std::optional<DeployedVersion> previous;

  /// Whether the previous version came later than the current one: after a roll-back, another one would go
  /// forward again. False where the log does not know both.
  bool previousIsNewer() const;
};

/// Asks the device. Throws as probeDevice() does.
DeployedVersions deployedVersions(const DeviceAccess& access, const Services& services,
                                  const std::stop_token& stop);

/// "demo, GPTQ 4-bit (run 12, 2026-03-01T10:00:00Z)"; the version's own name where the log does not know it.
std::string describe(const DeployedVersion& version);

} // namespace nibblesmith::workflow
