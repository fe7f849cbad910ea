// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"
#include "quantizers/gptq/method.hpp"

namespace nibblesmith::coordinate_descent {

/// Options of DescentRounding; method.json documents them.
struct DescentOptions {
  gptq::GptqOptions start; ///< options of GPTQ, whose result is the starting point
  int64_t sweeps = 4;      ///< maximum number of passes over all columns
  bool refitScales = true; ///< adjust scales and zero points to the codes before each sweep
};

/// Cyclic coordinate descent on tr((Q - W) H (Q - W)^T), starting from GPTQ's result. With R = (W - Q) H,
/// weight j of a row gets the grid value nearest to q_j + R_j / H_jj, the minimum with all other weights
/// fixed; then R -= (q_j' - q_j) H_j. Columns are visited from left to right, group by group, until a sweep
/// changes nothing. H is not damped: nothing is inverted here, and a step that lowers the damped loss could
/// raise the layer's true error. With refitScales, a group's scale moves to the minimum along Q_g, rounded to
/// f16, and an asymmetric group's zero point moves by one code; both only if the loss decreases, so the
/// result is never worse than the start. Source: Behdin et al. 2023, QuantEase (arXiv 2309.01885), Lemma 1
/// and Algorithm 1. Deviations: starts from GPTQ instead of rounding to nearest, and takes a step only if it
/// gains more than f32 rounding noise.
class DescentRounding final : public quantization::Rounding {
public:
  explicit DescentRounding(const DescentOptions& options) : m_options(options), m_start(options.start) {}

  bool needsHessian() const override { return true; }
  double cost(double outFeatures, double inFeatures) const override;
  std::shared_ptr<const quantization::PreparedHessian> prepare(const std::string& name,
                                                               const tensor::Matrix& hessian,
                                                               base::ThreadPool& pool,
                                                               const std::stop_token& stop) const override {
    return m_start.prepare(name, hessian, pool, stop);
  }
  /// Throws base::Error{InvalidArgument} without a Hessian of the right size.
  quantization::RoundingResult round(const quantization::RoundingProblem& problem, base::ThreadPool& pool,
                                     const std::stop_token& stop) const override;

private:
  DescentOptions m_options;
  gptq::GptqRounding m_start;
};

/// Reads complete parameters, see completeParameters() and method.json.
DescentOptions descentOptions(const base::Json& parameters);

} // namespace nibblesmith::coordinate_descent
