// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "method.hpp"

namespace nibblesmith::coordinate_descent {

/// Columns in the order of the sweeps: those of a group side by side, as `order` lists them.
struct ColumnOrder {
  explicit ColumnOrder(const tensor::QuantizedTensor& tensor);

  std::vector<int32_t> order;       ///< position -> column
  std::vector<int64_t> groupBegins; ///< [groups + 1], positions
  bool natural = true;              ///< order is 0, 1, 2, ...
};

/// H with rows and columns in the order of the sweeps.
tensor::Matrix reordered(const tensor::Matrix& H, const ColumnOrder& columns);

/// Improves rows [begin, end) of `tensor`, each on its own: this is one thread's share. H: [inFeatures,
/// inFeatures] in the order of the sweeps. Returns how many codes, scales and zero points were changed, each
/// time counted.
int64_t descendSlab(const quantization::RoundingProblem& problem, const tensor::Matrix& H,
                    const ColumnOrder& columns, const DescentOptions& options, int64_t begin, int64_t end,
                    tensor::QuantizedTensor& tensor, const std::stop_token& stop);

} // namespace nibblesmith::coordinate_descent
