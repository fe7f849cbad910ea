// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/facts.hpp"
#include "workflow/inspect.hpp"

#include <vector>

namespace nibblesmith::ui {

std::vector<Fact> architectureFacts(const model::ModelConfig& config);
std::vector<Fact> sizeFacts(const model::ModelSummary& summary);
/// Returns licence, base model and origin; empty if the model declares none.
std::vector<Fact> originFacts(const workflow::ModelCard& card);

} // namespace nibblesmith::ui
