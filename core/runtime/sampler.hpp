// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/generate.hpp"

#include <random>
#include <span>

namespace nibblesmith::runtime {

/// Picks the next token from logits. The same seed and logits give the same tokens on every machine.
class Sampler {
public:
  /// Throws base::Error{InvalidArgument} on options out of range.
  explicit Sampler(const SamplingOptions& options);
  /// Throws base::Error{Numerical} where no logit is a number.
  tokenizer::TokenId next(std::span<const float> logits);

private:
  SamplingOptions m_options;
  std::mt19937_64 m_random;
};

} // namespace nibblesmith::runtime
