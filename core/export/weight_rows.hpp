// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

#include <functional>
#include <optional>
#include <stop_token>

namespace nibblesmith::exporting {

/// f32 values of rows [begin, end) of a weight into out[end-begin, inFeatures].
void readWeightRows(const model::Weight& weight, int64_t begin, int64_t end, float* out);

/// Rows of about a megabyte of f32 values at a time: what long loops work on between two looks at the stop.
int64_t rowsPerStep(int64_t cols);

/// The first place where two weights of one shape differ, and by how much at most.
struct Difference {
  double maxAbsoluteError = 0;
  std::optional<std::string> first; ///< "[3, 17]: expected 0.25, found 0.5"
};

/// Compares values row by row; `convert` (may be empty) is applied to the expected rows before: what a
/// rounding to the file's type makes of them. Throws base::Cancelled.
Difference compareWeights(const model::Weight& expected, const model::Weight& found,
                          const std::function<void(float* values, int64_t count)>& convert,
                          const std::stop_token& stop);

/// Rounds values to what `type` (F16, BF16, F32) holds.
void roundTo(tensor::DType type, float* values, int64_t count);

} // namespace nibblesmith::exporting
