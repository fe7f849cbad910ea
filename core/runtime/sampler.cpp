// SPDX-License-Identifier: Apache-2.0
#include "runtime/sampler.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nibblesmith::runtime {

namespace {

using base::ErrorCode;
using tokenizer::TokenId;

TokenId firstMaximum(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

} // namespace

Sampler::Sampler(const SamplingOptions& options) : m_options(options), m_random(options.seed) {
  if (!(options.temperature >= 0) || !std::isfinite(options.temperature))
    throw base::Error(ErrorCode::InvalidArgument,
                      "temperature: expected 0 or more, found " + std::to_string(options.temperature));
  if (options.topK < 0)
    throw base::Error(ErrorCode::InvalidArgument,
                      "topK: expected 0 or more, found " + std::to_string(options.topK));
  if (!(options.topP > 0) || options.topP > 1)
    throw base::Error(ErrorCode::InvalidArgument,
                      "topP: expected more than 0 and at most 1, found " + std::to_string(options.topP));
}

TokenId Sampler::next(std::span<const float> logits) {
  if (std::any_of(logits.begin(), logits.end(), [](float logit) { return std::isnan(logit); }))
    throw base::Error(ErrorCode::Numerical, "logits: expected numbers, found NaN");
  const TokenId best = firstMaximum(logits);
  if (m_options.temperature == 0)
    return best;
  std::vector<TokenId> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto likelier = [&](TokenId a, TokenId b) {
    const float la = logits[static_cast<size_t>(a)];
    const float lb = logits[static_cast<size_t>(b)];
    return la > lb || (la == lb && a < b);
  };
  const bool someOnly = m_options.topK > 0 && static_cast<size_t>(m_options.topK) < order.size();
  const auto kept = someOnly ? order.begin() + m_options.topK : order.end();
  std::partial_sort(order.begin(), kept, order.end(), likelier);
  order.erase(kept, order.end());

  const double highest = logits[static_cast<size_t>(best)];
  std::vector<double> weights;
  for (const TokenId id : order)
    weights.push_back(std::exp((logits[static_cast<size_t>(id)] - highest) / m_options.temperature));
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  // Nucleus: the smallest set of tokens whose probabilities reach topP.
  double nucleus = 0;
  size_t count = 0;
  while (count < weights.size() && nucleus < m_options.topP * total)
    nucleus += weights[count++];
  // The standard library's distributions differ between implementations, so the draw is computed here.
  double drawn = static_cast<double>(m_random() >> 11) * 0x1p-53 * nucleus;
  for (size_t i = 0; i + 1 < count; ++i) {
    drawn -= weights[i];
    if (drawn < 0)
      return order[i];
  }
  return order[count - 1];
}

} // namespace nibblesmith::runtime
