// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

namespace nibblesmith::hqq {

/// Options of HqqRounding; method.json documents them.
struct HqqOptions {
  double norm = 0.7;       ///< exponent p of the error norm; at most 1
  double beta = 10.0;      ///< weight of the quadratic term, for errors in units of the grid's step
  double kappa = 1.01;     ///< factor of beta per iteration
  int64_t iterations = 20; ///< maximum number of iterations
};

/// Half-quadratic quantization: chooses the zero point of a group that minimizes sum |W - Q|^p with nearest
/// codes; p < 1 tolerates a few large errors. Alternates between the errors W_e, by the shrinkage sign(e)
/// max(|e| - |e|^(p-1) / beta, 0) of e = W - Q, and the zero point nearest to W - W_e for the current codes,
/// while beta grows. Needs no calibration. Source: Badri and Shaji 2023, "Half-Quadratic Quantization of
/// Large Machine Learning Models" (mobiusml.github.io/hqq_blog), equations 3 to 5. Deviations: the zero point
/// is a code instead of a real number, so both neighbours are tried, each with 13 scales: from the least for
/// which no weight is more than half a step outside the grid, up to 24 % more. Smaller scales would clip
/// large weights, which lowers the norm but makes models worse. Errors are in units of the step, so the unit
/// of the weights does not matter. The grid's own fit is a candidate, so the norm is never larger than with
/// rounding to nearest. Symmetric grids only get other scales; code books are rounded to nearest.
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

/// Reads complete parameters, see completeParameters() and method.json.
HqqOptions hqqOptions(const base::Json& parameters);

} // namespace nibblesmith::hqq
