// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/ssh_session.hpp"

#include <optional>

namespace nibblesmith::devices {

/// Version in the deployment directory on a device, as its manifest describes it.
struct InstalledVersion {
  std::string name;       ///< name of its directory in versions/
  std::string sha256;     ///< of the model; "" if the manifest cannot be read
  uint64_t sizeBytes = 0; ///< of the model; 0 if the manifest cannot be read
};

struct InstalledVersions {
  std::optional<InstalledVersion> current;  ///< version that runs; none: nothing is deployed
  std::optional<InstalledVersion> previous; ///< version that rollBack() switches to
};

/// Reads which versions the links `current` and `previous` name on the device. Throws base::Error{Io}, or
/// {Corrupt} if a link has a target that no deployment creates.
InstalledVersions installedVersions(SshSession& session, const std::string& directory,
                                    const std::stop_token& stop);

} // namespace nibblesmith::devices
