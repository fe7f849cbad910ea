// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "checkpoint/regex.hpp"
#include "tokenizer/chars_map.hpp"
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
                            std::shared_ptr<const CharsMap>>;

  void add(Step step);
  bool empty() const { return m_steps.empty(); }
  std::string apply(std::string text, bool isFirst) const;

  /// Appends the steps of a tokenizer.json "normalizer" (null, Sequence, Prepend, Replace, Strip, NFC, NFD,
  /// NFKC, NFKD, Lowercase, StripAccents, Precompiled). Throws base::Error{Corrupt, NotSupported}.
  void addFromJson(const base::Json& json, const std::string& origin);

private:
  std::vector<Step> m_steps;
};

/// The "type" of a component of tokenizer.json. Throws base::Error{Corrupt}.
std::string componentType(const base::Json& component, const std::string& origin);
/// The text or pattern of a component's "pattern": {"String": …} or {"Regex": …}, the former quoted.
std::string componentPattern(const base::Json& component, const std::string& origin);

} // namespace nibblesmith::tokenizer
