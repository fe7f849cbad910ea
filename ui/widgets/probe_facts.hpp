// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "devices/deployment.hpp"
#include "ui/widgets/facts.hpp"

#include <vector>

namespace nibblesmith::ui {

/// Returns the result of a device probe as names and values.
std::vector<Fact> probeFacts(const devices::Probe& probe);

} // namespace nibblesmith::ui
