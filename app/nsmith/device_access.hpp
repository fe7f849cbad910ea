// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "invocation.hpp"

namespace nibblesmith::nsmith {

void addAccessOptions(QCommandLineParser& parser);
/// An unknown host key is compared with --accept-host-key, or asked for on a terminal; else refused.
workflow::DeviceAccess accessTo(const devices::DeviceList& list, const std::string& name,
                                const Invocation& call);

} // namespace nibblesmith::nsmith
