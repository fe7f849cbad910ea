// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <cstdint>

namespace nibblesmith::awq {

struct AwqOptions {
  int64_t gridPoints = 20;
  bool clip = true;
};

/// Activation-aware scaling: s = a^alpha, a the mean magnitude of an input channel, with the alpha of 0, 1/n,
/// ..., (n-1)/n that gives the least || (Q(W diag(s)) diag(s)^-1 - W) X ||^2 over the stage's linears, Q to
/// nearest; s is divided by sqrt(max s * min s). Source: Lin et al. 2023 (arXiv 2306.00978), eq. 4 and 5.
/// Deviation from the paper's code: the loss is computed exactly from the inputs' second moment, tr(D H D^T),
/// instead of from a sample of inputs.
class AwqTransform final : public quantization::Transform {
public:
  explicit AwqTransform(const AwqOptions& options) : m_options(options) {}

  double cost(int64_t outFeatures, int64_t inFeatures, const quantization::Grid& grid) const override;
  /// Empty where no alpha above 0 is better.
  tensor::Vector inputScales(const quantization::TransformProblem& problem, base::ThreadPool& pool,
                             const std::stop_token& stop) const override;
  /// Clipping, where it is switched on.
  void adjustWeights(const quantization::TransformProblem& scaled, base::ThreadPool& pool,
                     const std::stop_token& stop) const override;

private:
  AwqOptions m_options;
};

/// From parameters completed after method.json.
AwqOptions awqOptions(const base::Json& parameters);

} // namespace nibblesmith::awq
