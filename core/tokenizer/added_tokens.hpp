// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/byte_trie.hpp"
#include "tokenizer/tokenizer.hpp"

#include <array>
#include <functional>

namespace nibblesmith::tokenizer {

/// Token that is matched in the text before normalization and pre-tokenization.
struct AddedToken {
  TokenId id = -1;
  std::string content;
  bool special = false;   ///< only matched with parseSpecial
  bool stripLeft = false; ///< also consumes the white space before it
  bool stripRight = false;
  bool singleWord = false; ///< not matched inside a word
  /// Matched in normalized text; its content is normalized, too.
  bool normalized = false;
};

/// Finds added tokens in text, leftmost-longest.
class AddedTokens {
public:
  /// Adds a token. Ignores empty contents and repeated contents. Throws base::Error{NotSupported} naming the
  /// file `origin` if all contents together exceed the limit in limits.hpp.
  void add(const AddedToken& token, const std::string& origin);
  bool empty() const { return m_tokens.empty(); }

  /// Calls onText for the non-empty parts between added tokens and onToken for the tokens, in order. Throws
  /// like Budget::step().
  void split(std::string_view text, bool parseSpecial, base::Budget& budget,
             const std::function<void(std::string_view)>& onText,
             const std::function<void(TokenId)>& onToken) const;

private:
  const AddedToken* longestAt(std::string_view text, size_t at, bool parseSpecial,
                              base::Budget& budget) const;

  std::vector<AddedToken> m_tokens;
  ByteTrie m_contents;              ///< values are indices into m_tokens
  uint64_t m_bytes = 0;             ///< total size of all contents
  std::array<bool, 256> m_begins{}; ///< first bytes of all contents
};

} // namespace nibblesmith::tokenizer
