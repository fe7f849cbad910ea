// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "factorization.hpp"
#include "method.hpp"

namespace nibblesmith::gptq {

/// Relation between groups and the column loop.
struct GroupLayout {
  int64_t size = 0;        ///< columns per group
  bool byPosition = false; ///< groups are consecutive positions of the loop; false: consecutive columns
  /// All groups are fitted on the original weights; false: each one when the loop reaches it.
  bool fitBefore = true;
};

/// Propagates the error e [rows] of one column to later ones: W[k, :] -= u[k] e for k < columns. W: [columns,
/// rows], a slab with columns stored contiguously.
void propagateError(const float* e, const float* u, int64_t columns, int64_t rows, float* W);

/// Runs the column loop for rows [begin, end) of the problem and writes the result to `tensor`. Rows are
/// independent, so a range is the work of one thread. Throws base::Error{Numerical}, base::Cancelled.
void roundSlab(const quantization::RoundingProblem& problem, const FactoredHessian& factored,
               const GroupLayout& groups, int64_t blockSize, int64_t begin, int64_t end,
               tensor::QuantizedTensor& tensor, const std::stop_token& stop);

} // namespace nibblesmith::gptq
