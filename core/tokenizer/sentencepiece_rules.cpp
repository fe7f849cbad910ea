// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/sentencepiece_rules.hpp"

#include "tokenizer/pieces.hpp"
#include "tokenizer/utf8.hpp"

namespace nibblesmith::tokenizer {

namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD"; // U+FFFD

} // namespace

SentencepieceRules::Part SentencepieceRules::partAt(std::string_view text, size_t at) const {
  const std::string_view rest = text.substr(at);
  if (const size_t length = kept.longestAt(rest))
    return {length, rest.substr(0, length)};
  if (charsMap)
    if (const CharsMap::Found found = charsMap->longest(rest); found.length > 0)
      return {found.length, found.replacement};
  const size_t length = characterBytes(text, at);
  return length == 0 ? Part{1, kReplacementCharacter} : Part{length, rest.substr(0, length)};
}

/// Returns the number of bytes at the beginning of the text that become spaces.
size_t SentencepieceRules::leadingBlanks(std::string_view text, base::Budget& budget,
                                         std::string_view field) const {
  size_t at = 0;
  while (at < text.size()) {
    const Part part = partAt(text, at);
    if (part.text != " ")
      break;
    budget.step(1, field);
    at += part.length;
  }
  return at;
}

std::string SentencepieceRules::apply(std::string_view text, base::Budget& budget,
                                      std::string_view field) const {
  const std::string_view blank = escapeBlanks ? kBlankSymbol : std::string_view(" ");
  std::string result;
  const auto append = [&](std::string_view part) {
    budget.hold(part.size(), field);
    result += part;
  };
  const size_t blanks = collapseSpaces || !addPrefixToBlanks ? leadingBlanks(text, budget, field) : 0;
  size_t at = collapseSpaces ? blanks : 0;
  if (at == text.size())
    return result;
  const bool isPrefixed = addPrefix && (addPrefixToBlanks || blanks < text.size());
  if (isPrefixed && !spaceAsSuffix)
    append(blank);
  bool isAfterBlank = collapseSpaces;
  while (at < text.size()) {
    Part part = partAt(text, at);
    budget.step(1 + part.length, field);
    at += part.length;
    while (isAfterBlank && part.text.starts_with(' '))
      part.text.remove_prefix(1);
    if (!part.text.empty())
      isAfterBlank = collapseSpaces && part.text.ends_with(' ');
    for (size_t i = 0; i < part.text.size();) {
      const size_t next = std::min(part.text.find(' ', i), part.text.size());
      append(part.text.substr(i, next - i));
      append(next < part.text.size() ? blank : std::string_view());
      i = next + 1;
    }
  }
  while (collapseSpaces && result.ends_with(blank)) {
    result.erase(result.size() - blank.size());
    budget.release(blank.size());
  }
  if (isPrefixed && spaceAsSuffix)
    append(blank);
  return result;
}

} // namespace nibblesmith::tokenizer
