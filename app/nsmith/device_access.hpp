// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/device.hpp"
#include "invocation.hpp"
#include "workflow/deploy.hpp"

namespace nibblesmith::nsmith {

void addAccessOptions(QCommandLineParser& parser);
/// Returns the access settings of a device. An unknown host key is compared with --accept-host-key, or
/// confirmed on the terminal; otherwise it is refused.
workflow::DeviceAccess accessTo(const devices::DeviceList& list, const std::string& name,
                                const Invocation& call);

} // namespace nibblesmith::nsmith
