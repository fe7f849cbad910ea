// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/model.hpp"
#include "ui/models/record_model.hpp"

namespace nibblesmith::ui {

/// Returns the columns of a model's tensors: name, type, shape, elements, bytes.
std::vector<Column<model::TensorInfo>> tensorColumns();

/// Returns "576 × 1536".
QString shapeText(const std::vector<int64_t>& shape);

} // namespace nibblesmith::ui
