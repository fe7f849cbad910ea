// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kernels/kernels.hpp"

#include <vector>

namespace nibblesmith::runtime::kernels {

/// The implementations that this processor and operating system can run, slowest first.
std::vector<const Table*> supported();
/// The last of them, looked up once.
const Table& best();

} // namespace nibblesmith::runtime::kernels
