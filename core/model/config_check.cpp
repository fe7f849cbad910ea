// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "model/family.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::model {

namespace {

// Limits far above every published model; products of any three of them fit in 63 bits.
constexpr int64_t kMaxHidden = 1 << 17;
constexpr int64_t kMaxIntermediate = 1 << 20;
constexpr int64_t kMaxLayers = 1 << 12;
constexpr int64_t kMaxHeads = 1 << 12;
constexpr int64_t kMaxHeadDim = 1 << 12;
constexpr int64_t kMaxVocabulary = 1 << 24;
constexpr int64_t kMaxPositions = int64_t{1} << 28;

[[noreturn]] void fail(const std::string& origin, const std::string& field, const std::string& expected,
                       const std::string& found) {
  throw base::Error(base::ErrorCode::Corrupt,
                    origin + ": " + field + ": expected " + expected + ", found " + found);
}

void checkAttention(const AttentionKind& kind, const ModelConfig& c, const std::string& origin) {
  const Rotary& rotary = kind.rotary;
  if (kind.window < 0 || kind.window > kMaxPositions)
    fail(origin, "attention window", "0 to " + std::to_string(kMaxPositions), std::to_string(kind.window));
  if (rotary.dimensions < 0 || rotary.dimensions > c.headDim || rotary.dimensions % 2 != 0)
    fail(origin, "rotary dimensions", "an even number up to the head dimension " + std::to_string(c.headDim),
         std::to_string(rotary.dimensions));
  if (!(rotary.theta >= 1) || !std::isfinite(rotary.theta))
    fail(origin, "rope theta", "1 or more", std::to_string(rotary.theta));
  const auto checkDivisors = [&](const std::vector<float>& divisors) {
    if (!divisors.empty() && std::ssize(divisors) != rotary.dimensions / 2)
      fail(origin, "rope scaling", std::to_string(rotary.dimensions / 2) + " factors",
           std::to_string(divisors.size()));
    for (const float divisor : divisors)
      if (!(divisor > 0) || !std::isfinite(divisor))
        fail(origin, "rope scaling", "positive factors", std::to_string(divisor));
  };
  checkDivisors(rotary.divisors);
  if (rotary.longRope)
    checkDivisors(rotary.longRope->divisors);
  if (rotary.dynamicNtk && rotary.dynamicNtk->originalPositions < 1)
    fail(origin, "original positions of the dynamic NTK scaling", "1 or more",
         std::to_string(rotary.dynamicNtk->originalPositions));
  if (!(rotary.magnitude > 0) || !std::isfinite(rotary.magnitude))
    fail(origin, "attention factor of the rope scaling", "a positive number",
         std::to_string(rotary.magnitude));
}

} // namespace

void checkConfig(const ModelConfig& c, const std::string& origin) {
  const auto inRange = [&](const char* field, int64_t value, int64_t maximum) {
    if (value < 1 || value > maximum)
      fail(origin, field, "1 to " + std::to_string(maximum), std::to_string(value));
  };
  inRange("hidden size", c.hiddenSize, kMaxHidden);
  inRange("intermediate size", c.intermediateSize, kMaxIntermediate);
  inRange("number of layers", c.numLayers, kMaxLayers);
  inRange("number of heads", c.numHeads, kMaxHeads);
  inRange("number of key-value heads", c.numKeyValueHeads, kMaxHeads);
  inRange("head dimension", c.headDim, kMaxHeadDim);
  inRange("vocabulary size", c.vocabularySize, kMaxVocabulary);
  inRange("maximum positions", c.maxPositions, kMaxPositions);
  const auto token = [&](const char* field, int32_t id) {
    if (id >= c.vocabularySize)
      fail(origin, field, "an id below the vocabulary size " + std::to_string(c.vocabularySize),
           std::to_string(id));
  };
  token("bos_token_id", c.bos);
  for (const int32_t id : c.eos)
    token("eos_token_id", id);
  if (c.logNAttentionFrom < 0 || c.logNAttentionFrom == 1)
    fail(origin, "first position of the LogN attention", "2 or more", std::to_string(c.logNAttentionFrom));
  if (c.numHeads % c.numKeyValueHeads != 0)
    fail(origin, "number of key-value heads", "a divisor of the " + std::to_string(c.numHeads) + " heads",
         std::to_string(c.numKeyValueHeads));
  if (!(c.norm.epsilon >= 0) || c.norm.epsilon > 1)
    fail(origin, "epsilon of the norms", "0 to 1", std::to_string(c.norm.epsilon));
  for (const AttentionKind& kind : c.attention)
    checkAttention(kind, c, origin);
  const bool isAssigned = c.attentionOfLayer.empty() || std::ssize(c.attentionOfLayer) == c.numLayers;
  if (c.attention.empty() || !isAssigned ||
      std::any_of(c.attentionOfLayer.begin(), c.attentionOfLayer.end(),
                  [&](uint8_t kind) { return kind >= c.attention.size(); }))
    fail(origin, "kinds of layers", "one for each of the " + std::to_string(c.numLayers) + " layers",
         std::to_string(c.attentionOfLayer.size()));
  const auto factor = [&](const char* field, float value) {
    if (!(value >= 0) || !std::isfinite(value))
      fail(origin, field, "a number that is not negative", std::to_string(value));
  };
  factor("scale of the attention", c.attentionScale);
  factor("soft cap of the attention", c.attentionSoftCap);
  factor("soft cap of the logits", c.finalSoftCap);
  factor("scale of the embeddings", c.embeddingScale);
}

} // namespace nibblesmith::model
