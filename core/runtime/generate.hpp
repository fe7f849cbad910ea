// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/decoder.hpp"

namespace nibblesmith::runtime {

struct SamplingOptions {
  double temperature = 0; ///< 0: greedy (the first of equal maxima)
  int topK = 0;           ///< 0: all
  double topP = 1;
  uint64_t seed = 1;
};

/// Prompt in, tokens out, until maxTokens, an end-of-sequence id of the model, or onToken returns false.
/// Returns the generated ids without the prompt and without the end token. onToken may be empty.
std::vector<tokenizer::TokenId> generate(const Decoder& decoder, std::span<const tokenizer::TokenId> prompt,
                                         int64_t maxTokens, const SamplingOptions& options,
                                         const std::function<bool(tokenizer::TokenId)>& onToken,
                                         const std::stop_token& stop);

} // namespace nibblesmith::runtime
