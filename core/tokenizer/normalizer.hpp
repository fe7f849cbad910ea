// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "checkpoint/regex.hpp"
#include "tokenizer/sentencepiece_rules.hpp"
#include "tokenizer/unicode.hpp"

#include <variant>
#include <vector>

namespace nibblesmith::tokenizer {

/// What is done to a stretch of text before it is cut into words. Immutable, any thread.
class Normalizer {
public:
  /// Puts `text` in front.
  struct Prepend {
    std::string text;
    bool firstOnly = false;     ///< only at the beginning of the whole text
    bool unlessPresent = false; ///< not where it begins so already
  };
  struct Replace {
    std::string from;
    std::string to;
  };
  struct ReplacePattern {
    std::shared_ptr<const checkpoint::Regex> pattern;
    std::string to;
  };
  struct Strip {
    bool left = true;
    bool right = true;
  };
  struct Lowercase {};
  struct StripMarks {};
  using Step = std::variant<Prepend, Replace, ReplacePattern, Strip, UnicodeForm, Lowercase, StripMarks,
                            std::shared_ptr<const CharsMap>, std::shared_ptr<const SentencepieceRules>>;

  /// field: the part of the file that the steps come from, for messages.
  explicit Normalizer(std::string field = "normalizer") : m_field(std::move(field)) {}

  /// Throws base::Error{NotSupported} naming `origin`, the file, above the limits of limits.hpp.
  void add(Step step, const std::string& origin);
  bool empty() const { return m_steps.empty(); }
  /// isFirst: nothing of the whole text stands before this stretch. Throws as Budget::step() and hold(); the
  /// memory of the result stays held.
  std::string apply(std::string_view text, bool isFirst, base::Budget& budget) const;

  /// Appends the steps of a tokenizer.json "normalizer" (null, Sequence, Prepend, Replace, Strip, NFC, NFD,
  /// NFKC, NFKD, Lowercase, StripAccents, Precompiled). Throws base::Error{Corrupt, NotSupported}.
  void addFromJson(const base::Json& json, const std::string& origin);

private:
  struct NamedStep {
    Step step;
    std::string field; ///< "normalizer: step 3"
  };
  void addReplace(const base::Json& json, const std::string& origin);

  std::string m_field;
  std::vector<NamedStep> m_steps;
  uint64_t m_patternBytes = 0;
};

/// The "type" of a component of tokenizer.json. Throws base::Error{Corrupt}.
std::string componentType(const base::Json& component, const std::string& origin);
/// The text or pattern of a component's "pattern": {"String": …} or {"Regex": …}, the former quoted.
std::string componentPattern(const base::Json& component, const std::string& origin);

} // namespace nibblesmith::tokenizer
