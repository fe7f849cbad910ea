// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kernels/kernels.hpp"

#include <vector>

namespace nibblesmith::runtime::kernels {

/// Implementations that this CPU and operating system support, slowest first.
std::vector<const Table*> supported();
/// Fastest supported implementation, determined once.
const Table& best();

} // namespace nibblesmith::runtime::kernels
