// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

namespace nibblesmith::devices {

/// Resolves the name and connects to the first address that answers. Returns the socket; the caller owns it.
/// Throws base::Error{Io}, with different messages for an unknown name, a closed port, no route, and no
/// answer within `timeout`; base::Cancelled.
int connectTcp(const std::string& host, uint16_t port, std::chrono::milliseconds timeout,
               const std::stop_token& stop);

} // namespace nibblesmith::devices
