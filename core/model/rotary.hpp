// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace nibblesmith::model {

/// What YaRN makes divisors and magnitude of (rope_scaling.hpp), kept for files that say this instead of
/// them.
struct Yarn {
  float factor = 1.0f;
  int64_t originalPositions = 0;
  float betaFast = 32.0f; ///< turns within the original positions from which on frequencies stay
  float betaSlow = 1.0f;  ///< and up to which they are divided by the factor
  bool truncate = true;   ///< the bounds are whole dimensions
  bool operator==(const Yarn&) const = default;
};

/// What longrope takes instead of its short texts' divisors.
struct LongTexts {
  int64_t beyond = 0;          ///< where a context has more tokens than this, the original positions
  std::vector<float> divisors; ///< [dimensions / 2]
  bool operator==(const LongTexts&) const = default;
};

/// Where a context has more tokens than `beyond`, the base becomes theta g^(d / (d - 2)), d the dimensions,
/// so that the slowest wave is g times as long and the fastest stays ("NTK-aware"). Of L tokens:
///   Smooth   g = factor L / beyond - (factor - 1)
///   Doubling g = 2^ceil(log2(L / beyond) + 1) - 1: 3 up to twice as many tokens, then 7, 15, ...
/// Sources: transformers, modeling_rope_utils.py ("dynamic"); Qwen's modeling_qwen.py (get_ntk_alpha).
struct GrowingBase {
  enum class Rule { Smooth, Doubling };
  int64_t beyond = 0; ///< the positions that the model was trained on
  Rule rule = Rule::Smooth;
  float factor = 1.0f; ///< of Rule::Smooth
  bool operator==(const GrowingBase&) const = default;

  /// g; 1 up to `beyond`.
  double growth(int64_t context) const;
};

/// The rotary embedding of queries and keys. Of each head, the first `dimensions` are turned in pairs
/// (i, i + dimensions / 2) by position * theta^(-2i/dimensions) / divisors[i]; the rest stays. All published
/// scalings come down to divisors: see rope_scaling.hpp.
struct Rotary {
  int64_t dimensions = 0; ///< even; 0: nothing is turned
  float theta = 10000.0f;
  std::vector<float> divisors; ///< [dimensions / 2]; empty: all 1
  float magnitude = 1.0f;      ///< of cosines and sines (YaRN, longrope)
  std::optional<Yarn> yarn = std::nullopt;
  std::optional<LongTexts> longTexts = std::nullopt;
  std::optional<GrowingBase> growingBase = std::nullopt; ///< then `divisors` is empty

  /// Of a sequence with room for `context` tokens, from its first token on: keys that are in a cache cannot
  /// be turned anew, so what a run asks for decides, as in llama.cpp (llama_model::get_rope_factors).
  /// transformers looks at the text alone, which is the same where it fills its context.
  std::vector<float> divisorsFor(int64_t context) const;
  /// The greatest context that divisorsFor() takes as it takes the smallest; none: all are alike.
  std::optional<int64_t> plainPositions() const {
    return longTexts     ? std::optional(longTexts->beyond)
           : growingBase ? std::optional(growingBase->beyond)
                         : std::nullopt;
  }
  bool operator==(const Rotary&) const = default;
};

} // namespace nibblesmith::model
