// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "factorization.hpp"
#include "method.hpp"

namespace nibblesmith::gptq {

/// How the columns' loop meets the groups.
struct GroupLayout {
  int64_t size = 0;        ///< columns of a group
  bool byPosition = false; ///< groups are consecutive positions of the loop, else consecutive columns
  bool fitBefore = true;   ///< all groups fitted on the original weights, else each when the loop reaches it
};

/// Runs the columns' loop for rows [begin, end) of the problem into `tensor`. Rows are independent of each other: this
/// is one thread's share. Throws base::Error{Numerical}, base::Cancelled.
void roundSlab(const quantization::RoundingProblem& problem, const FactoredHessian& factored,
               const GroupLayout& groups, int64_t blockSize, int64_t begin, int64_t end,
               tensor::QuantizedTensor& tensor, const std::stop_token& stop);

} // namespace nibblesmith::gptq
