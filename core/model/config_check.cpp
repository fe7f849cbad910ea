// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "model/family.hpp"

#include <cmath>

namespace nibblesmith::model {

namespace {

// Far above every published model, and small enough that products of any three stay within 63 bits.
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
  if (c.headDim % 2 != 0)
    fail(origin, "head dimension", "an even number", std::to_string(c.headDim));
  if (c.numHeads % c.numKeyValueHeads != 0)
    fail(origin, "number of key-value heads", "a divisor of the " + std::to_string(c.numHeads) + " heads",
         std::to_string(c.numKeyValueHeads));
  if (!(c.normEpsilon >= 0) || c.normEpsilon > 1)
    fail(origin, "epsilon of the norms", "0 to 1", std::to_string(c.normEpsilon));
  if (!(c.ropeTheta >= 1) || !std::isfinite(c.ropeTheta))
    fail(origin, "rope theta", "1 or more", std::to_string(c.ropeTheta));
}

} // namespace nibblesmith::model
