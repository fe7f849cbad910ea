// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace nibblesmith::gptq {

/// Hessian prepared for the column loop: ordered, damped, inverted and factored.
struct FactoredHessian final : quantization::PreparedHessian {
  std::vector<int32_t> order;       ///< column at each position of the loop
  std::vector<int32_t> deadColumns; ///< columns whose input was 0 for all calibration tokens
  std::vector<float> diagonal;      ///< diagonal of H, by column
  /// Upper triangular factor with U^T U = (H + damping I)^-1, rows and columns by position; 0 below the
  /// diagonal.
  tensor::Matrix U;
  std::vector<std::string> fallbacks;
};

/// Orders, damps and factors a Hessian in f64. Damping starts at dampFraction of the mean diagonal and is
/// doubled until the Cholesky factorization succeeds, which is recorded as a fallback. byActivation: columns
/// in descending order of the diagonal, else in their own order. Throws base::Error{Numerical} with `name` if
/// H is not finite or cannot be factored, base::Cancelled.
std::shared_ptr<const FactoredHessian> factorHessian(const std::string& name, const tensor::Matrix& hessian,
                                                     double dampFraction, bool byActivation,
                                                     base::ThreadPool& pool, const std::stop_token& stop);

} // namespace nibblesmith::gptq
