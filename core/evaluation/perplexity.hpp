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

/// Definition of perplexity: windows, BOS and counted predictions.
enum class PerplexityStyle {
  /// llama-perplexity: chunks of `context` tokens; the first token of each is replaced by BOS if the
  /// vocabulary adds one; predictions of the second half count.
  LlamaCpp,
  /// GPTQ's evaluation: unchanged windows of `context` tokens; all context - 1 predictions count.
  Windows,
};

/// Perplexity with its standard error and the values it is computed from.
struct PerplexityResult {
  double perplexity = 0;
  /// Standard error of the perplexity, by the delta method on the mean negative log-likelihood.
  double standardError = 0;
  int64_t predictions = 0;
  std::vector<float> nll;       ///< negative log-likelihood in nats, one per prediction
  std::vector<float> windowNll; ///< mean per window, the samples in the experiment log
};

/// Computes the perplexity of tokens in full windows; a remainder is not used. Throws
/// base::Error{InvalidArgument} if there is no full window, {Numerical} if a log-likelihood is not finite;
/// base::Cancelled.
PerplexityResult perplexity(const runtime::Decoder& decoder, std::span<const tokenizer::TokenId> tokens,
                            PerplexityStyle style, int64_t context, bool addBos, const std::stop_token& stop,
                            base::Progress& progress);

/// Computes the perplexity of a text file or of the ids of an ".i32" file. With style LlamaCpp and a
/// vocabulary that adds BOS, BOS is put before a text before it is split, and replaces the first token of
/// each chunk, as in llama-perplexity. Throws like perplexity() and calibration::readTokens().
PerplexityResult perplexityOfFile(const runtime::Decoder& decoder, const tokenizer::Tokenizer& tokenizer,
                                  const std::filesystem::path& file, PerplexityStyle style, int64_t context,
                                  const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::evaluation
