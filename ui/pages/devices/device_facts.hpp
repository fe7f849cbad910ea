// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "devices/device.hpp"
#include "ui/models/experiment_columns.hpp"
#include "ui/widgets/facts.hpp"

#include <vector>

namespace nibblesmith::ui {

std::vector<Fact> accessFacts(const devices::Device& device);
/// Returns the columns of the measurements on a device.
std::vector<Column<ExperimentRow>> deviceResultColumns();

} // namespace nibblesmith::ui
