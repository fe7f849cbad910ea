// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/byte_trie.hpp"
#include "tokenizer/chars_map.hpp"

#include <memory>

namespace nibblesmith::tokenizer {

/// Text normalization of sentencepiece. Immutable; safe for concurrent use. Source: google/sentencepiece,
/// normalizer.cc (Normalizer::Normalize).
struct SentencepieceRules {
  std::shared_ptr<const CharsMap> charsMap; ///< null: no replacements
  ByteTrie kept;                            ///< user-defined pieces, which are exempt from replacements
  /// Adds a space before the text, or after it with spaceAsSuffix.
  bool addPrefix = true;
  /// Adds the prefix also if the text has only spaces; false in llama.cpp.
  bool addPrefixToBlanks = true;
  bool collapseSpaces = false; ///< collapses runs of spaces and strips both ends
  bool escapeBlanks = true;    ///< spaces become U+2581
  bool spaceAsSuffix = false;  ///< treat_whitespace_as_suffix

  /// Returns the normalized text; invalid UTF-8 bytes become U+FFFD. Throws like Budget::step() and hold().
  /// The memory of the result stays charged to the budget.
  std::string apply(std::string_view text, base::Budget& budget, std::string_view field) const;

private:
  struct Part {
    size_t length = 0;     ///< bytes of the input
    std::string_view text; ///< normalized text
  };
  Part partAt(std::string_view text, size_t at) const;
  size_t leadingBlanks(std::string_view text, base::Budget& budget, std::string_view field) const;
};

} // namespace nibblesmith::tokenizer
