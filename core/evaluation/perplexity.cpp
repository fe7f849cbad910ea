// SPDX-License-Identifier: Apache-2.0
#include "evaluation/perplexity.hpp"

#include "base/error_context.hpp"
#include "calibration/token_source.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace nibblesmith::evaluation {
namespace {

using tokenizer::TokenId;

/// Number of tokens per decoder call: a few tenths of a second between two checks of the stop token, and at
/// most 32 MiB of logits. It depends only on the model, so that the result does not depend on the machine.
int64_t sliceLength(const model::ModelConfig& c) {
  const int64_t attention = 2 * c.hiddenSize * c.headDim * (c.numHeads + c.numKeyValueHeads);
  const int64_t perToken =
      c.numLayers * (attention + 3 * c.hiddenSize * c.intermediateSize) + c.vocabularySize * c.hiddenSize;
  constexpr int64_t kMultiplyAdds = 16'000'000'000;
  constexpr int64_t kLogits = int64_t{8} << 20;
  const int64_t tokens = std::min(kMultiplyAdds / std::max<int64_t>(perToken, 1),
                                  kLogits / std::max<int64_t>(c.vocabularySize, 1));
  return std::clamp<int64_t>(tokens / 16 * 16, 16, 512);
}

/// Returns -log softmax(logits)[target], computed in f64.
double negativeLogLikelihood(const float* logits, int64_t count, TokenId target) {
  const double maximum = *std::max_element(logits, logits + count);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += std::exp(static_cast<double>(logits[i]) - maximum);
  return std::log(sum) + maximum - static_cast<double>(logits[target]);
}

/// Sums over predictions in text order.
struct Totals {
  double sum = 0;
  double sumOfSquares = 0;
};

/// Runs windows one after the other through the decoder.
class Windows {
public:
  Windows(const runtime::Decoder& decoder, PerplexityStyle style, int64_t context, bool addBos,
          const std::stop_token& stop)
      : m_decoder(decoder), m_cache(decoder.config(), context), m_context(context), m_addBos(addBos),
        m_stop(stop),
        // llama-perplexity counts the predictions at positions n_ctx/2 .. n_ctx-2.
        m_first(style == PerplexityStyle::LlamaCpp ? context / 2 : 0),
        m_slice(sliceLength(decoder.config())) {}

  int64_t predictionsPerWindow() const { return m_context - 1 - m_first; }

  void run(std::span<const TokenId> window, int64_t index, Totals& totals, PerplexityResult& result,
           base::Progress& progress) {
    std::vector<TokenId> input(window.begin(), window.end());
    if (m_addBos)
      input.front() = m_decoder.config().bos;
    m_cache.clear();
    const double before = totals.sum;
    // The last token of a window has no target.
    for (int64_t at = 0; at < m_context - 1;) {
      base::throwIfStopped(m_stop);
      // Positions that are not counted need no logits.
      const bool counted = at >= m_first;
      const int64_t length = std::min(m_slice, (counted ? m_context - 1 : m_first) - at);
      const auto slice =
          std::span<const TokenId>(input).subspan(static_cast<size_t>(at), static_cast<size_t>(length));
      const tensor::Matrix logits = m_decoder.forward(
          slice, m_cache, counted ? runtime::LogitsFor::AllTokens : runtime::LogitsFor::LastToken);
      if (counted)
        add(logits, input, at, index, totals, result);
      at += length;
      progress.report(static_cast<double>(at) / static_cast<double>(m_context - 1), "");
    }
    result.windowNll.push_back(
        static_cast<float>((totals.sum - before) / static_cast<double>(predictionsPerWindow())));
  }

private:
  void add(const tensor::Matrix& logits, const std::vector<TokenId>& input, int64_t at, int64_t window,
           Totals& totals, PerplexityResult& result) {
    for (int64_t row = 0; row < logits.rows(); ++row) {
      const TokenId target = input[static_cast<size_t>(at + row + 1)];
      const double nll = negativeLogLikelihood(logits.data() + row * logits.cols(), logits.cols(), target);
      if (!std::isfinite(nll))
        throw base::Error(base::ErrorCode::Numerical, "perplexity: window " + std::to_string(window) +
                                                          ", token " + std::to_string(at + row + 1) +
                                                          ": expected a finite log-likelihood, found " +
                                                          std::to_string(-nll));
      totals.sum += nll;
      totals.sumOfSquares += nll * nll;
      result.nll.push_back(static_cast<float>(nll));
    }
  }

  const runtime::Decoder& m_decoder;
  runtime::KvCache m_cache;
  int64_t m_context;
  bool m_addBos;
  const std::stop_token& m_stop;
  int64_t m_first;
  int64_t m_slice;
};

void checkArguments(const model::ModelConfig& config, std::span<const TokenId> tokens, int64_t minimumContext,
                    int64_t context, bool addBos) {
  const auto fail = [](const std::string& message) {
    throw base::Error(base::ErrorCode::InvalidArgument, message);
  };
  if (context < minimumContext || context > config.maxPositions)
    fail("perplexity: context: expected " + std::to_string(minimumContext) + " to " +
         std::to_string(config.maxPositions) + " tokens (the model's positions), found " +
         std::to_string(context));
  if (std::ssize(tokens) < context)
    fail("perplexity: expected a text of at least one window of " + std::to_string(context) +
         " tokens, found " + std::to_string(tokens.size()));
  if (addBos && (config.bos < 0 || config.bos >= config.vocabularySize))
    fail("perplexity: expected a model with a BOS token, found none");
  const auto outside = std::find_if(tokens.begin(), tokens.end(),
                                    [&](TokenId id) { return id < 0 || id >= config.vocabularySize; });
  if (outside != tokens.end())
    fail("perplexity: token " + std::to_string(outside - tokens.begin()) + ": expected an id of 0 to " +
         std::to_string(config.vocabularySize - 1) + ", found " + std::to_string(*outside));
}

} // namespace

PerplexityResult perplexity(const runtime::Decoder& decoder, std::span<const TokenId> tokens,
                            PerplexityStyle style, int64_t context, bool addBos, const std::stop_token& stop,
                            base::Progress& progress) {
  const int64_t minimumContext = style == PerplexityStyle::LlamaCpp ? 3 : 2; // one prediction
  checkArguments(decoder.config(), tokens, minimumContext, context, addBos);
  const int64_t windows = std::ssize(tokens) / context;
  PerplexityResult result;
  Totals totals;
  Windows runner(decoder, style, context, addBos, stop);
  for (int64_t window = 0; window < windows; ++window) {
    const auto all = static_cast<double>(windows);
    base::SubProgress part(progress, static_cast<double>(window) / all, static_cast<double>(window + 1) / all,
                           "window " + std::to_string(window + 1) + " of " + std::to_string(windows));
    runner.run(tokens.subspan(static_cast<size_t>(window * context), static_cast<size_t>(context)), window,
               totals, result, part);
  }
  result.predictions = windows * runner.predictionsPerWindow();
  const auto count = static_cast<double>(result.predictions);
  const double mean = totals.sum / count;
  const double variance = totals.sumOfSquares / count - mean * mean;
  result.perplexity = std::exp(mean);
  if (variance > 0 && result.predictions > 1)
    result.standardError = std::sqrt(variance / (count - 1)) * result.perplexity;
  return result;
}

PerplexityResult perplexityOfFile(const runtime::Decoder& decoder, const tokenizer::Tokenizer& tokenizer,
                                  const std::filesystem::path& file, PerplexityStyle style, int64_t context,
                                  const std::stop_token& stop, base::Progress& progress) {
  std::vector<TokenId> tokens = calibration::readTokens(file, tokenizer, stop);
  const bool addBos = tokenizer.vocabulary().addBos && style == PerplexityStyle::LlamaCpp;
  if (addBos && !calibration::isTokenFile(file))
    tokens.insert(tokens.begin(), decoder.config().bos);
  return base::inContext(file.string(),
                         [&] { return perplexity(decoder, tokens, style, context, addBos, stop, progress); });
}

} // namespace nibblesmith::evaluation
