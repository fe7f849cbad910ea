// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/connection.hpp"

namespace nibblesmith::devices {

struct SshSession::State {
  Connection connection;
  SessionLimits limits;
};

} // namespace nibblesmith::devices
