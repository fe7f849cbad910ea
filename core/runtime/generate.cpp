// SPDX-License-Identifier: Apache-2.0
#include "runtime/generate.hpp"

#include "base/error.hpp"
#include "runtime/sampler.hpp"

#include <algorithm>

namespace nibblesmith::runtime {

namespace {

using tokenizer::TokenId;

/// Number of prompt tokens between two checks of the stop token: a few tenths of a second on slow machines.
int64_t promptChunk(const model::ModelConfig& c) {
  const int64_t attention = 2 * c.hiddenSize * c.headDim * (c.numHeads + c.numKeyValueHeads);
  const int64_t parameters = c.numLayers * (attention + 3 * c.hiddenSize * c.intermediateSize);
  constexpr int64_t kMultiplyAdds = 8'000'000'000;
  return std::clamp<int64_t>(kMultiplyAdds / std::max<int64_t>(1, parameters) / 16 * 16, 16, 256);
}

tensor::Matrix readPrompt(const Decoder& decoder, std::span<const TokenId> prompt, KvCache& cache,
                          const std::stop_token& stop) {
  const auto chunk = static_cast<size_t>(promptChunk(decoder.config()));
  tensor::Matrix logits;
  for (size_t at = 0; at < prompt.size(); at += chunk) {
    base::throwIfStopped(stop);
    logits =
        decoder.forward(prompt.subspan(at, std::min(chunk, prompt.size() - at)), cache, LogitsFor::LastToken);
  }
  return logits;
}

} // namespace

std::vector<TokenId> generate(const Decoder& decoder, std::span<const TokenId> prompt, int64_t maxTokens,
                              const SamplingOptions& options, const std::function<bool(TokenId)>& onToken,
                              const std::stop_token& stop) {
  const model::ModelConfig& config = decoder.config();
  const auto promptLength = static_cast<int64_t>(prompt.size());
  if (promptLength < 1 || promptLength > config.maxPositions)
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "prompt: expected 1 to " + std::to_string(config.maxPositions) +
                          " tokens (the model's positions), found " + std::to_string(promptLength));
  std::vector<TokenId> tokens;
  if (maxTokens < 1)
    return tokens;
  Sampler sampler(options);
  KvCache cache(config, promptLength + std::min(maxTokens, config.maxPositions - promptLength));
  tensor::Matrix logits = readPrompt(decoder, prompt, cache, stop);
  for (;;) {
    base::throwIfStopped(stop);
    const TokenId token = sampler.next({logits.data(), static_cast<size_t>(logits.size())});
    if (std::find(config.eos.begin(), config.eos.end(), token) != config.eos.end())
      return tokens;
    tokens.push_back(token);
    const bool wanted = !onToken || onToken(token);
    if (!wanted || static_cast<int64_t>(tokens.size()) >= maxTokens || cache.position() >= cache.capacity())
      return tokens;
    logits = decoder.forward(std::span(&token, 1), cache, LogitsFor::LastToken);
  }
}

} // namespace nibblesmith::runtime
