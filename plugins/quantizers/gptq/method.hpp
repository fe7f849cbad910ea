// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <cstdint>

namespace nibblesmith::gptq {

/// Order in which columns are rounded.
enum class ActOrder {
  None,    ///< columns from left to right
  Static,  ///< descending diag(H); groups are neighbouring columns, fitted before the loop
  Dynamic, ///< descending diag(H); groups are neighbouring positions of that order, stored as groupIndex
};

/// Options of GptqRounding; method.json documents them.
struct GptqOptions {
  double dampFraction = 0.01; ///< fraction of the mean of diag(H) that is added to the diagonal
  ActOrder actOrder = ActOrder::Static;
  bool staticGroups = false; ///< fit all groups on the original weights; always so with ActOrder::Static
  int64_t blockSize = 128;   ///< columns per lazy update
};

/// GPTQ. For each column i in order: q_i = quant(w_i), and the error e = (w_i - q_i) / U_ii is propagated to
/// the later columns: w_j -= e U_ij, where U is the upper Cholesky factor of (H + damping I)^-1. Updates
/// beyond a block of columns are applied as one product. Source: Frantar et al. 2022 (arXiv 2210.17323),
/// Algorithm 1. Deviation from the paper's code: a group that starts inside a block is fitted on fully
/// updated weights.
class GptqRounding final : public quantization::Rounding {
public:
  explicit GptqRounding(const GptqOptions& options) : m_options(options) {}

  bool needsHessian() const override { return true; }
  double cost(double outFeatures, double inFeatures) const override;
  std::shared_ptr<const quantization::PreparedHessian> prepare(const std::string& name,
                                                               const tensor::Matrix& hessian,
                                                               base::ThreadPool& pool,
                                                               const std::stop_token& stop) const override;
  /// Throws base::Error{InvalidArgument} without a Hessian of the right size.
  quantization::RoundingResult round(const quantization::RoundingProblem& problem, base::ThreadPool& pool,
                                     const std::stop_token& stop) const override;

private:
  GptqOptions m_options;
};

/// Reads complete parameters, see completeParameters() and method.json.
GptqOptions gptqOptions(const base::Json& parameters);

} // namespace nibblesmith::gptq
