// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

namespace nibblesmith::hqq {

struct HqqOptions {
  double norm = 0.7;       ///< p of the errors' norm, below 1
  double beta = 10.0;      ///< weight of the quadratic term, in steps of the grid
  double kappa = 1.01;     ///< beta grows by it with each iteration
  int64_t iterations = 20; ///< at most
};

/// Half-quadratic quantization: nearest codes on a grid whose zero point makes sum |W - Q|^p of the group
/// small, which forgives a few large errors. By turns: the errors W_e that may stay, by the shrinkage sign(e)
/// max(|e| - |e|^(p-1) / beta, 0) of e = W - Q, and the zero point nearest to W - W_e for the codes as they
/// are; beta grows. The scale stays that of the range. Needs no calibration. Source: Badri and Shaji 2023,
/// "Half-Quadratic Quantization of Large Machine Learning Models" (mobiusml.github.io/hqq_blog), equations 3
/// to 5. Deviations: there the zero point stays a real number; here it is a code, so both neighbours are
/// tried, each with 13 scales that make up for the rounding: from the least for which no weight lies more
/// than half a step outside the grid to a quarter more. Smaller ones cut large weights off, which lowers the
/// norm and makes models worse. Errors are in steps of the grid, so that the weights' unit does not matter.
/// The grid's own fit is among what is tried, so the norm is never larger than with rounding to nearest.
/// Symmetric grids have their scale fitted alone, code books nothing.
class HqqRounding final : public quantization::Rounding {
public:
  explicit HqqRounding(const HqqOptions& options) : m_options(options) {}

  bool needsHessian() const override { return false; }
  double cost(double outFeatures, double inFeatures) const override;
  quantization::RoundingResult round(const quantization::RoundingProblem& problem, base::ThreadPool& pool,
                                     const std::stop_token& stop) const override;

private:
  HqqOptions m_options;
};

/// From parameters completed after method.json.
HqqOptions hqqOptions(const base::Json& parameters);

} // namespace nibblesmith::hqq
