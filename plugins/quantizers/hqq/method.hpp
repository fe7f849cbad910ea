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

/// Half-quadratic quantization: nearest codes on a grid whose scale and zero point make sum |W - Q|^p of the group
/// small, which forgives a few large errors. By turns: the errors W_e that may stay, by the shrinkage
/// sign(e) max(|e| - |e|^(p-1) / beta, 0) of e = W - Q, and the grid nearest to W - W_e by least squares for the codes
/// as they are; beta grows. Needs no calibration.
/// Source: Badri and Shaji 2023, "Half-Quadratic Quantization of Large Machine Learning Models" (mobiusml.github.io/hqq_blog),
/// equations 3 to 5. Deviations: there the zero point is a real number and the scale stays fixed; here a zero point is
/// a code, so it is rounded and the scale, as an f16, makes up for that. Errors are in steps of the grid, so that the
/// weights' unit does not matter. The parameters kept are the best seen, the grid's own fit included, so the norm is
/// never larger than with rounding to nearest. A grid without zero points has its scale fitted alone.
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
