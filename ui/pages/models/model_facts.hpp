// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/model.hpp"
#include "ui/widgets/facts.hpp"

#include <vector>

namespace nibblesmith::ui {

std::vector<Fact> architectureFacts(const model::ModelConfig& config);
std::vector<Fact> sizeFacts(const model::ModelSummary& summary);

} // namespace nibblesmith::ui
