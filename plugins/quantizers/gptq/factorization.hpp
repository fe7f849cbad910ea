// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace nibblesmith::gptq {

/// A Hessian made ready for the columns' loop: dead columns found, columns ordered, damped, inverted,
/// factored.
struct FactoredHessian final : quantization::PreparedHessian {
  std::vector<int32_t> order;       ///< position in the loop -> column
  std::vector<int32_t> deadColumns; ///< inputs that were 0 on all calibration tokens
  std::vector<float> diagonal;      ///< of H, by column
  /// Upper triangular with U^T U = (H + damping I)^-1, rows and columns by position; 0 below the diagonal.
  tensor::Matrix U;
  std::vector<std::string> fallbacks;
};

/// Damping is dampFraction of the mean diagonal, doubled until the Cholesky factorization succeeds, which is
/// recorded. byActivation: columns in descending order of the diagonal, else as they are. f64 throughout.
/// Throws base::Error{Numerical} naming `name` where H is not finite or cannot be factored, base::Cancelled.
std::shared_ptr<const FactoredHessian> factorHessian(const std::string& name, const tensor::Matrix& hessian,
                                                     double dampFraction, bool byActivation,
                                                     base::ThreadPool& pool, const std::stop_token& stop);

} // namespace nibblesmith::gptq
