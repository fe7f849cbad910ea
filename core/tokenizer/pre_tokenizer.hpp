// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/normalizer.hpp"

#include <functional>

namespace nibblesmith::tokenizer {

/// What becomes of the matches of a pattern that cuts text. Names and meanings of huggingface/tokenizers'
/// SplitDelimiterBehavior.
enum class SplitBehavior { Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous };

/// Cuts text into the words that byte-pair encoding does not cross. Immutable, any thread.
class PreTokenizer {
public:
  struct Stage {
    std::string pattern;
    SplitBehavior behavior = SplitBehavior::Isolated;
    bool invert = false; ///< the stretches between matches are what is cut at
  };

  /// Throws base::Error{Corrupt} where the pattern does not compile, {NotSupported} above the limits of
  /// limits.hpp.
  void add(Stage stage, const std::string& origin);
  const std::vector<Stage>& stages() const { return m_stages; }

  /// Calls onWord for the words, in order: views into `text`. Bytes that are no UTF-8 become words of their
  /// own. Throws as base::Budget::step() and hold().
  void split(std::string_view text, base::Budget& budget,
             const std::function<void(std::string_view)>& onWord) const;

private:
  using Words = std::vector<std::string_view>;
  void applyStage(size_t stage, std::string_view text, base::Budget& budget, Words& out) const;
  void splitUtf8(std::string_view text, base::Budget& budget,
                 const std::function<void(std::string_view)>& onWord) const;

  std::vector<Stage> m_stages;
  std::vector<checkpoint::Regex> m_patterns; ///< one per stage
  uint64_t m_patternBytes = 0;
};

/// The pattern of GPT-2, which "ByteLevel" with use_regex applies.
/// Source: openai/gpt-2, encoder.py.
extern const std::string kGpt2Pattern;

} // namespace nibblesmith::tokenizer
