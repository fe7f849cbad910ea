// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/engine.hpp"
#include "ui/session/job.hpp"
#include "ui/widgets/facts.hpp"

#include <vector>

namespace nibblesmith::ui {

/// What a finished job found, as names and values.
std::vector<Fact> resultFacts(const Job& job);
/// The layer report of a finished quantization; null for other jobs.
const std::vector<quantization::LayerReport>* layerReports(const Job& job);

} // namespace nibblesmith::ui
