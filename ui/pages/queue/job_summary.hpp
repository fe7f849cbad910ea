// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/engine.hpp"
#include "quantization/layer_report.hpp"
#include "ui/session/job.hpp"
#include "ui/widgets/facts.hpp"

#include <vector>

namespace nibblesmith::ui {

/// Returns the result of a finished job as names and values.
std::vector<Fact> resultFacts(const Job& job);
/// Returns the layer report of a finished quantization; null for other jobs.
const std::vector<quantization::LayerReport>* layerReports(const Job& job);

} // namespace nibblesmith::ui
