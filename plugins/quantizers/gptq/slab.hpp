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

/// W[k, :] -= u[k] e for `columns` columns k, each `rows` values long: what a change of one column means for
/// those behind it, in a slab that holds columns side by side.
void passOn(const float* e, const float* u, int64_t columns, int64_t rows, float* W);

/// Runs the columns' loop for rows [begin, end) of the problem into `tensor`. Rows are independent of each
/// other: this is one thread's share. Throws base::Error{Numerical}, base::Cancelled.
void roundSlab(const quantization::RoundingProblem& problem, const FactoredHessian& factored,
               const GroupLayout& groups, int64_t blockSize, int64_t begin, int64_t end,
               tensor::QuantizedTensor& tensor, const std::stop_token& stop);

} // namespace nibblesmith::gptq
