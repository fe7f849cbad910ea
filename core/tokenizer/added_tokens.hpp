// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/byte_trie.hpp"
#include "tokenizer/tokenizer.hpp"

#include <array>
#include <functional>

namespace nibblesmith::tokenizer {

/// A token that is cut out of the text before anything else looks at it.
struct AddedToken {
  TokenId id = -1;
  std::string content;
  bool special = false;   ///< found in text only with parseSpecial
  bool stripLeft = false; ///< swallows the blanks before it
  bool stripRight = false;
  bool singleWord = false; ///< not inside of a word
  bool normalized = false; ///< found in normalized text, with its own content normalized
};

/// Finds added tokens in text: the leftmost first, the longest of those that begin there.
class AddedTokens {
public:
  /// Empty contents are ignored; a content given twice keeps its first token. Throws
  /// base::Error{NotSupported} naming `origin`, the file, where all contents together are above the limit of
  /// limits.hpp.
  void add(const AddedToken& token, const std::string& origin);
  bool empty() const { return m_tokens.empty(); }

  /// Calls onText for the stretches between added tokens (never empty) and onToken for those, in order.
  /// Throws as Budget::step().
  void split(std::string_view text, bool parseSpecial, base::Budget& budget,
             const std::function<void(std::string_view)>& onText,
             const std::function<void(TokenId)>& onToken) const;

private:
  const AddedToken* longestAt(std::string_view text, size_t at, bool parseSpecial,
                              base::Budget& budget) const;

  std::vector<AddedToken> m_tokens;
  ByteTrie m_contents;              ///< with places in m_tokens
  uint64_t m_bytes = 0;             ///< of all contents
  std::array<bool, 256> m_begins{}; ///< bytes that some token begins with
};

} // namespace nibblesmith::tokenizer
