// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <cstdint>

namespace nibblesmith::smoothquant {

/// Options of SmoothQuantTransform; method.json documents them.
struct SmoothQuantOptions {
  double alpha = 0.5; ///< 0..1
  bool search = false;
  int64_t gridPoints = 20; ///< alphas of the search: 0, 1/(n-1), ..., 1
  bool normsOnly = true;   ///< smooth only inputs that come from a norm
};

/// SmoothQuant: s_j = max|X_j|^alpha / max|W_j|^(1-alpha), with the maxima of input channel j over the
/// calibration tokens and over all output rows of the stage's linears, each at least 1e-5. Channels of one
/// source share the larger maxima; channels that are never active keep s_j = 1. The search chooses the alpha
/// with the least || Q(X diag(s)^-1) Q(diag(s) W^T) - X W^T ||^2 over the stage's linears on the input
/// sample, with weights rounded to nearest and inputs quantized by the recipe's scheme (static scales from
/// the sample's extremes). Source: Xiao et al. 2022 (arXiv 2211.10438), eq. 4, and the paper's code
/// (smooth.py).
class SmoothQuantTransform final : public quantization::Transform {
public:
  explicit SmoothQuantTransform(const SmoothQuantOptions& options) : m_options(options) {}

  double cost(int64_t outFeatures, int64_t inFeatures, const quantization::Grid& grid) const override;
  /// Returns an empty vector if the stage is not smoothed, or if no alpha of the search is better than no
  /// smoothing.
  tensor::Vector inputScales(const quantization::TransformProblem& problem, base::ThreadPool& pool,
                             const std::stop_token& stop) const override;

private:
  SmoothQuantOptions m_options;
};

/// Reads complete parameters, see completeParameters() and method.json.
SmoothQuantOptions smoothQuantOptions(const base::Json& parameters);

} // namespace nibblesmith::smoothquant
