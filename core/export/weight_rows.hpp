// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

#include <functional>
#include <optional>
#include <stop_token>

namespace nibblesmith::exporting {

/// Reads rows [begin, end) of a weight as f32 into out[end-begin, inFeatures].
void readWeightRows(const model::Weight& weight, int64_t begin, int64_t end, float* out);

/// Returns the number of rows with about a megabyte of f32 values: the unit of long loops between two checks
/// of the stop token.
int64_t rowsPerStep(int64_t cols);

/// Differences between two weights of one shape: the largest, and the first position.
struct Difference {
  double maxAbsoluteError = 0;
  std::optional<std::string> first; ///< "[3, 17]: expected 0.25, found 0.5"
};

/// Compares values row by row. convert (may be empty): applied to the expected rows first, to round them to
/// the file's type. Throws base::Cancelled.
Difference compareWeights(const model::Weight& expected, const model::Weight& found,
                          const std::function<void(float* values, int64_t count)>& convert,
                          const std::stop_token& stop);

/// Rounds values to `type` (F16, BF16, F32).
void roundTo(tensor::DType type, float* values, int64_t count);

} // namespace nibblesmith::exporting
