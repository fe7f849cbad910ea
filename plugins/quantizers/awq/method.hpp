// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <cstdint>

namespace nibblesmith::awq {

/// Options of AwqTransform; method.json documents them.
struct AwqOptions {
  int64_t gridPoints = 20;
  bool clip = true;
};

/// Activation-aware scaling: s = a^alpha with a the mean magnitude of each input channel. Of alpha = 0, 1/n,
/// ..., (n-1)/n, the one with the least || (Q(W diag(s)) diag(s)^-1 - W) X ||^2 over the stage's linears is
/// used, where Q rounds to nearest. s is then divided by sqrt(max s * min s). Source: Lin et al. 2023 (arXiv
/// 2306.00978), eq. 4 and 5. Deviation from the paper's code: the loss is exact, tr(D H D^T) from the inputs'
/// second moment, instead of an estimate from a sample of inputs.
class AwqTransform final : public quantization::Transform {
public:
  explicit AwqTransform(const AwqOptions& options) : m_options(options) {}

  double cost(int64_t outFeatures, int64_t inFeatures, const quantization::Grid& grid) const override;
  /// Returns an empty vector if no alpha above 0 is better than 0.
  tensor::Vector inputScales(const quantization::TransformProblem& problem, base::ThreadPool& pool,
                             const std::stop_token& stop) const override;
  /// Clips weights, if the option is on.
  void adjustWeights(const quantization::TransformProblem& scaled, base::ThreadPool& pool,
                     const std::stop_token& stop) const override;

private:
  AwqOptions m_options;
};

/// Reads complete parameters, see completeParameters() and method.json.
AwqOptions awqOptions(const base::Json& parameters);

} // namespace nibblesmith::awq
