// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/byte_trie.hpp"
#include "tokenizer/chars_map.hpp"

#include <memory>

namespace nibblesmith::tokenizer {

/// What sentencepiece does to a text before it cuts it into pieces. Immutable, any thread.
/// Source: google/sentencepiece, normalizer.cc (Normalizer::Normalize).
struct SentencepieceRules {
  std::shared_ptr<const CharsMap> charsMap; ///< null: no replacements
  ByteTrie kept;                            ///< pieces of the user, which no replacement touches
  bool addPrefix = true;                    ///< a blank in front of a text; behind it with blankAtEnd
  bool addPrefixToBlanks = true;            ///< also where the text is nothing but blanks; llama.cpp: false
  bool removeExtraBlanks = false;           ///< of several blanks, one stays, and none around a text
  bool escapeBlanks = true;                 ///< blanks become U+2581
  bool blankAtEnd = false;                  ///< treat_whitespace_as_suffix

  /// Bytes that are no UTF-8 become U+FFFD. Throws as Budget::step() and hold(); the memory of the result
  /// stays held.
  std::string apply(std::string_view text, base::Budget& budget, std::string_view field) const;

private:
  struct Part {
    size_t length = 0;     ///< bytes of the text
    std::string_view text; ///< what they become
  };
  Part partAt(std::string_view text, size_t at) const;
  size_t leadingBlanks(std::string_view text, base::Budget& budget, std::string_view field) const;
};

} // namespace nibblesmith::tokenizer
