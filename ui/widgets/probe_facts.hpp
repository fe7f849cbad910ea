// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "devices/deployment.hpp"
#include "ui/widgets/facts.hpp"

#include <vector>

namespace nibblesmith::ui {

/// What a device said of itself.
std::vector<Fact> probeFacts(const devices::Probe& probe);

} // namespace nibblesmith::ui
