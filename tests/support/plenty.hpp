// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"

namespace nibblesmith::test {

/// A budget that no test of anything else uses up.
inline base::Budget plenty() { return {"test", {uint64_t{1} << 30, uint64_t{1} << 40, 600}}; }

} // namespace nibblesmith::test
