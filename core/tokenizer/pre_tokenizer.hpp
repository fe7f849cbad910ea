// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/normalizer.hpp"

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

  /// Throws base::Error{Corrupt} where the pattern does not compile.
  void add(Stage stage, const std::string& origin);
  const std::vector<Stage>& stages() const { return m_stages; }

  /// Views into `text`, in order. Bytes that are no UTF-8 become pieces of their own.
  std::vector<std::string_view> split(std::string_view text) const;

private:
  void applyStage(size_t stage, std::string_view text, std::vector<std::string_view>& out) const;

  std::vector<Stage> m_stages;
  std::vector<checkpoint::Regex> m_patterns; ///< one per stage
};

/// The pattern of GPT-2, which "ByteLevel" with use_regex applies.
/// Source: openai/gpt-2, encoder.py.
extern const std::string kGpt2Pattern;

} // namespace nibblesmith::tokenizer
