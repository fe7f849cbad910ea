// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace nibblesmith::model {

/// YaRN parameters that divisors and magnitude were computed from (rope_scaling.hpp), kept for file formats
/// that store the parameters.
struct Yarn {
  float factor = 1.0f;
  int64_t originalPositions = 0;
  float betaFast = 32.0f; ///< frequencies with more rotations over the original positions stay unscaled
  float betaSlow = 1.0f;  ///< frequencies with fewer rotations are divided by the factor
  bool truncate = true;   ///< round the bounds to whole dimensions
  bool operator==(const Yarn&) const = default;
};

/// Divisors that LongRoPE uses for long contexts ("long_factor").
struct LongRope {
  int64_t originalPositions = 0; ///< largest context that uses the short factors ("short_factor")
  std::vector<float> divisors;   ///< [dimensions / 2]
  bool operator==(const LongRope&) const = default;
};

/// Dynamic NTK scaling: for a context of L > originalPositions tokens, theta becomes theta g^(d / (d - 2)),
/// where d is the number of rotary dimensions. The longest wavelength is then g times as long and the
/// shortest is unchanged ("NTK-aware").
///   Smooth    g = factor L / originalPositions - (factor - 1)
///   Doubling  g = 2^ceil(log2(L / originalPositions) + 1) - 1: 3 up to twice that, then 7, 15, ...
/// Sources: transformers, modeling_rope_utils.py ("dynamic"); Qwen's modeling_qwen.py (get_ntk_alpha).
struct DynamicNtk {
  enum class Rule { Smooth, Doubling };
  int64_t originalPositions = 0; ///< context length of the training
  Rule rule = Rule::Smooth;
  float factor = 1.0f; ///< used by Rule::Smooth
  bool operator==(const DynamicNtk&) const = default;

  /// Returns g for a context in tokens; 1 up to originalPositions.
  double factorFor(int64_t context) const;
};

/// Rotary position embedding of queries and keys. In each head, the pairs (i, i + dimensions / 2) are rotated
/// by position * theta^(-2i/dimensions) / divisors[i]; channels from `dimensions` on are unchanged. Every
/// published scaling is expressed by divisors: see rope_scaling.hpp.
struct Rotary {
  int64_t dimensions = 0; ///< even; 0: no rotary embedding
  float theta = 10000.0f;
  std::vector<float> divisors; ///< [dimensions / 2]; empty: all 1
  float magnitude = 1.0f;      ///< factor of cosines and sines (YaRN, LongRoPE)
  std::optional<Yarn> yarn = std::nullopt;
  std::optional<LongRope> longRope = std::nullopt;
  std::optional<DynamicNtk> dynamicNtk = std::nullopt; ///< set only if `divisors` is empty

  /// Returns the divisors for a sequence whose KV cache has room for `context` tokens. The capacity decides,
  /// not the current length, because cached keys cannot be rotated again; llama.cpp does the same
  /// (llama_model::get_rope_factors). Deviation: transformers uses the current length; both agree when the
  /// sequence fills its context.
  std::vector<float> divisorsFor(int64_t context) const;
  /// Largest context for which divisorsFor() returns the same divisors as for any shorter one; empty: for
  /// every context.
  std::optional<int64_t> unscaledPositions() const {
    return longRope     ? std::optional(longRope->originalPositions)
           : dynamicNtk ? std::optional(dynamicNtk->originalPositions)
                        : std::nullopt;
  }
  bool operator==(const Rotary&) const = default;
};

} // namespace nibblesmith::model
