// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/decoder.hpp"

namespace nibblesmith::runtime {

/// Options of Sampler.
struct SamplingOptions {
  double temperature = 0; ///< 0: greedy decoding; the lowest id wins a tie
  int topK = 0;           ///< 0: no limit
  /// Nucleus sampling: smallest set of tokens whose probabilities reach this fraction.
  double topP = 1;
  uint64_t seed = 1;
};

/// Generates tokens after the prompt until maxTokens are reached, an end-of-sequence id appears, or onToken
/// returns false. Returns the generated ids without the prompt and without the end token. onToken may be
/// empty. Throws base::Error{InvalidArgument} on options out of range or a prompt that does not fit the
/// model's context; base::Cancelled.
std::vector<tokenizer::TokenId> generate(const Decoder& decoder, std::span<const tokenizer::TokenId> prompt,
                                         int64_t maxTokens, const SamplingOptions& options,
                                         const std::function<bool(tokenizer::TokenId)>& onToken,
                                         const std::stop_token& stop);

} // namespace nibblesmith::runtime
