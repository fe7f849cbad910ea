// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <cstdint>

namespace nibblesmith::smoothquant {

struct SmoothQuantOptions {
  double alpha = 0.5; ///< 0..1
  bool search = false;
  int64_t gridPoints = 20; ///< alphas 0, 1/(n-1), ..., 1 of the search
  bool normsOnly = true;   ///< leaves inputs that come from a linear alone
};

/// s_j = max|X_j|^alpha / max|W_j|^(1-alpha) with the maxima of input channel j over the calibration tokens
/// and over all output rows of the stage's linears, none below 1e-5; channels of one source share the larger
/// maxima, and a channel that is never active keeps 1. Source: Xiao et al. 2022 (arXiv 2211.10438), eq. 4,
/// and the paper's code (smooth.py). The search takes the alpha with the least || Q(X diag(s)^-1) Q(diag(s)
/// W^T) - X W^T ||^2 over the stage's linears on the sample, weights rounded to nearest, inputs as the recipe
/// says (a static scale: from the sample's extremes).
class SmoothQuantTransform final : public quantization::Transform {
public:
  explicit SmoothQuantTransform(const SmoothQuantOptions& options) : m_options(options) {}

  double cost(int64_t outFeatures, int64_t inFeatures, const quantization::Grid& grid) const override;
  /// Empty where the stage is left alone, and where the search finds nothing better than no smoothing.
  tensor::Vector inputScales(const quantization::TransformProblem& problem, base::ThreadPool& pool,
                             const std::stop_token& stop) const override;

private:
  SmoothQuantOptions m_options;
};

/// From parameters completed after method.json.
SmoothQuantOptions smoothQuantOptions(const base::Json& parameters);

} // namespace nibblesmith::smoothquant
