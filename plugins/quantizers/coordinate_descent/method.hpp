// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"
#include "quantizers/gptq/method.hpp"

namespace nibblesmith::coordinate_descent {

struct DescentOptions {
  gptq::GptqOptions start; ///< GPTQ's answer, which the descent begins with
  int64_t sweeps = 4;      ///< over all columns, at most
  bool refitScales = true; ///< scales and zero points follow the codes before each sweep
};

/// Cyclic coordinate descent on tr((Q - W) H (Q - W)^T) from GPTQ's answer. With R = (W - Q) H, weight j of a
/// row takes the grid's value nearest to q_j + R_j / H_jj, the least of the quadratic where all other weights
/// stand still, and R -= (q_j' - q_j) H_j; columns from left to right, group by group, until a sweep changes
/// nothing. H is the calibration's own, without damping: nothing is inverted here, so there is nothing to
/// stabilise, and a step that lowers the damped quadratic could raise the layer's true error. With
/// refitScales a group's scale also takes the least of the quadratic along Q_g, as the nearest f16, and an
/// asymmetric group's zero point moves by one code; both only where that lowers the quadratic, so that the
/// result is never worse than its start. Source: Behdin et al. 2023, QuantEase (arXiv 2309.01885), Lemma 1
/// and Algorithm 1. Deviation: it starts from GPTQ's answer instead of rounding to nearest, and a step is
/// taken only where it gains more than f32's rounding noise.
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

/// From parameters completed after method.json.
DescentOptions descentOptions(const base::Json& parameters);

} // namespace nibblesmith::coordinate_descent
