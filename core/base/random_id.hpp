// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace nibblesmith::base {

/// Returns 32 random hexadecimal digits from the system's random number generator.
std::string randomId();

} // namespace nibblesmith::base
