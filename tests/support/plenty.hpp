// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"

namespace nibblesmith::test {

/// Returns a budget that is large enough for tests of other limits.
inline base::Budget plenty() { return {"test", {uint64_t{1} << 30, uint64_t{1} << 40, 600}}; }

} // namespace nibblesmith::test
