// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/record_model.hpp"
#include "workflow/fit.hpp"

#include <vector>

namespace nibblesmith::ui {

std::vector<Column<workflow::DeviceFit>> deviceFitColumns();

} // namespace nibblesmith::ui
