// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace nibblesmith::base {

/// 32 hexadecimal digits from the system's random numbers: nobody else has chosen the same.
std::string randomId();

} // namespace nibblesmith::base
