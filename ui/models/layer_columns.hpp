// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/engine.hpp"
#include "quantization/layer_report.hpp"
#include "ui/models/record_model.hpp"

namespace nibblesmith::ui {

/// Returns the columns of a quantization's layer report: requested and effective type, errors, fallbacks.
std::vector<Column<quantization::LayerReport>> layerColumns();

} // namespace nibblesmith::ui
