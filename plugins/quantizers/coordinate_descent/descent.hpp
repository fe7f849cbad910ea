// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "method.hpp"

namespace nibblesmith::coordinate_descent {

/// Column order of the sweeps: the columns of a group are contiguous.
struct ColumnOrder {
  explicit ColumnOrder(const tensor::QuantizedTensor& tensor);

  std::vector<int32_t> order;       ///< column at each position
  std::vector<int64_t> groupBegins; ///< [groups + 1], first position of each group
  bool natural = true;              ///< `order` is 0, 1, 2, ...
};

/// Permutes rows and columns of H to the order of the sweeps.
tensor::Matrix reordered(const tensor::Matrix& H, const ColumnOrder& columns);

/// Improves rows [begin, end) of `tensor`; rows are independent, so a range is the work of one thread. H:
/// [inFeatures, inFeatures] in the order of the sweeps. Returns the number of changes of codes, scales and
/// zero points. Throws base::Cancelled.
int64_t descendSlab(const quantization::RoundingProblem& problem, const tensor::Matrix& H,
                    const ColumnOrder& columns, const DescentOptions& options, int64_t begin, int64_t end,
                    tensor::QuantizedTensor& tensor, const std::stop_token& stop);

} // namespace nibblesmith::coordinate_descent
