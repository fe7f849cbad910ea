// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/connection.hpp"

namespace nibblesmith::devices {

/// Logs in with the device's key file; or, where it names none, with the agent and then the user's keys
/// (~/.ssh/config's IdentityFile, the default names). No passwords, no passphrases: those belong to the
/// agent. Throws base::Error{Io} that says what was tried and what the device offers; base::Cancelled.
void logIn(Connection& connection, const Device& device, std::chrono::milliseconds limit,
           const std::stop_token& stop);

} // namespace nibblesmith::devices
