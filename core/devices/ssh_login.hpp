// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/connection.hpp"

namespace nibblesmith::devices {

/// Logs in with the device's key file. If the device has none, tries the SSH agent, then the user's keys
/// (IdentityFile of ~/.ssh/config, the default names). Does not use passwords or passphrases; load such keys
/// into the agent. Throws base::Error{Io} naming the methods that were tried and those that the device
/// offers; base::Cancelled.
void logIn(Connection& connection, const Device& device, std::chrono::milliseconds limit,
           const std::stop_token& stop);

} // namespace nibblesmith::devices
