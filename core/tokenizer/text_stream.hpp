// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// Incremental detokenizer. Its output never ends inside a UTF-8 character, and the concatenated output
/// equals decode() of all ids. It decodes the whole text at each step, since merging pieces may add or drop a
/// space.
class TextStream {
public:
  /// Starts after a prompt, which is not part of the output. The tokenizer must outlive this object.
  TextStream(const Tokenizer& tokenizer, std::span<const TokenId> prompt);

  /// Returns the text that the token adds; empty while its last character is incomplete.
  std::string add(TokenId id);
  /// Returns the remaining text, complete or not.
  std::string finish();
  /// Returns all text after the prompt, complete or not.
  std::string text() const;

private:
  std::string take(size_t end);

  const Tokenizer& m_tokenizer;
  std::vector<TokenId> m_ids;
  size_t m_promptBytes;
  size_t m_taken; ///< bytes already returned, including the prompt
};

} // namespace nibblesmith::tokenizer
