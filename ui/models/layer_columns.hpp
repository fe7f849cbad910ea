// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/engine.hpp"
#include "ui/models/record_model.hpp"

namespace nibblesmith::ui {

/// What a quantization did to each layer: requested and effective type, errors, fallbacks.
std::vector<Column<quantization::LayerReport>> layerColumns();

} // namespace nibblesmith::ui
