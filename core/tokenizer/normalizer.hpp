// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "checkpoint/regex.hpp"
#include "tokenizer/sentencepiece_rules.hpp"
#include "tokenizer/unicode.hpp"

#include <variant>
#include <vector>

namespace nibblesmith::tokenizer {

/// Chain of text changes before pre-tokenization. Immutable; safe for concurrent use.
class Normalizer {
public:
  /// Inserts `text` at the beginning.
  struct Prepend {
    std::string text;
    bool firstOnly = false;     ///< only at the beginning of the whole text
    bool unlessPresent = false; ///< not if the text already begins with it
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

  /// Creates an empty chain. field: part of the file that defines the steps, for messages.
  explicit Normalizer(std::string field = "normalizer") : m_field(std::move(field)) {}

  /// Appends a step. Throws base::Error{NotSupported} naming the file `origin` above the limits in
  /// limits.hpp.
  void add(Step step, const std::string& origin);
  bool empty() const { return m_steps.empty(); }
  /// Returns the normalized text. isFirst: true if this part begins the whole text. Throws like
  /// Budget::step() and hold(). The memory of the result stays charged to the budget.
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

/// Returns the "type" of a component in tokenizer.json. Throws base::Error{Corrupt}.
std::string componentType(const base::Json& component, const std::string& origin);
/// Returns a component's "pattern" as a regular expression: {"Regex": …}, or {"String": …} with quoting.
std::string componentPattern(const base::Json& component, const std::string& origin);

} // namespace nibblesmith::tokenizer
