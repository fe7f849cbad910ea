// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <array>
#include <functional>
#include <map>

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
  /// Empty contents are ignored; a content given twice keeps its first token.
  void add(const AddedToken& token);
  bool empty() const { return m_tokens.empty(); }

  /// Calls onText for the stretches between added tokens (never empty) and onToken for those, in order.
  void split(std::string_view text, bool parseSpecial, const std::function<void(std::string_view)>& onText,
             const std::function<void(TokenId)>& onToken) const;

private:
  struct Node {
    std::map<char, int32_t> children;
    int32_t token = -1; ///< index into m_tokens
  };
  const AddedToken* longestAt(std::string_view text, size_t at, bool parseSpecial) const;

  std::vector<AddedToken> m_tokens;
  std::vector<Node> m_nodes = std::vector<Node>(1); ///< a trie over bytes; 0 is its root
  std::array<bool, 256> m_begins{};                 ///< bytes that some token begins with
};

} // namespace nibblesmith::tokenizer
