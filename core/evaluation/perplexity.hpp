// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "runtime/decoder.hpp"
#include "tokenizer/tokenizer.hpp"

#include <filesystem>
#include <span>
#include <stop_token>
#include <vector>

namespace nibblesmith::evaluation {

enum class PerplexityStyle {
  /// llama-perplexity: chunks of `context` tokens, the first token of each replaced by BOS where the
  /// vocabulary adds one, predictions of the second half counted.
  LlamaCpp,
  /// GPTQ's evaluation: windows of `context` tokens as they are, all context - 1 predictions counted.
  Windows,
};

struct PerplexityResult {
  double perplexity = 0;
  double standardError = 0; ///< of the perplexity, by the delta method on the mean negative log-likelihood
  int64_t predictions = 0;
  std::vector<float> nll;       ///< nats, one per prediction
  std::vector<float> windowNll; ///< mean of each window: samples for the log
};

/// Tokens that do not fill a window are left out. Throws base::Error{InvalidArgument} where no window is
/// full.
PerplexityResult perplexity(const runtime::Decoder& decoder, std::span<const tokenizer::TokenId> tokens,
                            PerplexityStyle style, int64_t context, bool addBos, const std::stop_token& stop,
                            base::Progress& progress);

/// The same of a file: a text, or the ids of an ".i32" file as they are. BOS as llama-perplexity has it where
/// the style is its own and the vocabulary adds one: in front of a text before it is cut, and in the place of
/// each chunk's first token. Throws as calibration::readTokens(), too.
PerplexityResult perplexityOfFile(const runtime::Decoder& decoder, const tokenizer::Tokenizer& tokenizer,
                                  const std::filesystem::path& file, PerplexityStyle style, int64_t context,
                                  const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::evaluation
