// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/generate.hpp"

#include <random>
#include <span>

namespace nibblesmith::runtime {

/// Sampler of the next token. The same seed and logits give the same tokens on every machine.
class Sampler {
public:
  /// Throws base::Error{InvalidArgument} if options are out of range.
  explicit Sampler(const SamplingOptions& options);
  /// Samples a token id from logits [vocabularySize]. Throws base::Error{Numerical} if all logits are NaN.
  tokenizer::TokenId next(std::span<const float> logits);

private:
  SamplingOptions m_options;
  std::mt19937_64 m_random;
};

} // namespace nibblesmith::runtime
