// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/normalizer.hpp"

#include <functional>

namespace nibblesmith::tokenizer {

/// Handling of the matches of a split pattern. Names and meanings are those of SplitDelimiterBehavior in
/// huggingface/tokenizers.
enum class SplitBehavior { Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous };

/// Splits text into words; merges do not cross their boundaries. Immutable; safe for concurrent use.
class PreTokenizer {
public:
  struct Stage {
    std::string pattern;
    SplitBehavior behavior = SplitBehavior::Isolated;
    bool invert = false; ///< split at the text between matches instead
  };

  /// Appends a stage. Throws base::Error{Corrupt} if the pattern does not compile, {NotSupported} above the
  /// limits in limits.hpp.
  void add(Stage stage, const std::string& origin);
  const std::vector<Stage>& stages() const { return m_stages; }

  /// Calls onWord for each word in order, as views into `text`. Invalid UTF-8 bytes become words of their
  /// own. Throws like Budget::step() and hold().
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

/// GPT-2's pattern, used by "ByteLevel" with use_regex. Source: openai/gpt-2, encoder.py.
extern const std::string kGpt2Pattern;

} // namespace nibblesmith::tokenizer
