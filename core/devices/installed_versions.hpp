// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/ssh_session.hpp"

#include <optional>

namespace nibblesmith::devices {

/// A version in the deployment directory on a device, as its manifest describes it.
struct InstalledVersion {
  std::string name;       ///< of its directory in versions/
  std::string sha256;     ///< of the model; "" where the manifest cannot be read
  uint64_t sizeBytes = 0; ///< of the model; 0 where the manifest cannot be read
};

struct InstalledVersions {
  std::optional<InstalledVersion> current;  ///< what runs; none: nothing is deployed
  std::optional<InstalledVersion> previous; ///< what rollBack() switches to
};

/// Reads which versions `current` and `previous` name on the device. Throws base::Error{Io}, and {Corrupt}
/// where a link names something that no deployment makes.
InstalledVersions installedVersions(SshSession& session, const std::string& directory,
                                    const std::stop_token& stop);

} // namespace nibblesmith::devices
