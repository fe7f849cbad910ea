// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// Text as its tokens come: what is handed out never ends inside of a UTF-8 character, and all of it together
/// is what decode() gives for all ids. That is known from the whole text only, as joining pieces may add or
/// drop a blank.
class TextStream {
public:
  /// After a prompt, which is not handed out. The tokenizer has to live as long.
  TextStream(const Tokenizer& tokenizer, std::span<const TokenId> prompt);

  /// What the token adds: nothing where its last character is not whole yet.
  std::string add(TokenId id);
  /// What is left, whole or not.
  std::string finish();
  /// All text after the prompt, whole or not.
  std::string text() const;

private:
  std::string take(size_t end);

  const Tokenizer& m_tokenizer;
  std::vector<TokenId> m_ids;
  size_t m_promptBytes;
  size_t m_taken; ///< bytes, those of the prompt among them
};

} // namespace nibblesmith::tokenizer
