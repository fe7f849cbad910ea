// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <span>
#include <string>

namespace nibblesmith::exporting {

/// Kinds of texts for comparing two tokenizers.
enum class TextKind {
  Usual,               ///< words, digits, umlauts, emoji, punctuation, other scripts, with single spaces
  Blanks,              ///< repeated, leading and trailing spaces, tabs and line breaks
  SpecialTokens,       ///< each special token alone, parsed and as plain text
  BesideSpecialTokens, ///< text and spaces before and after a special or user-defined token
  Rare,                ///< decomposed and compatibility characters, joined emoji, only spaces
};

struct TokenizerDifferences {
  std::string failure;   ///< description of the first difference that is not tolerated; empty: none
  std::string tolerated; ///< description of tolerated differences; empty: none
};

/// Compares a tokenizer that was written and reopened with its source: every token's bytes, the tokens that
/// decoding omits, BOS and EOS; and the token ids of texts, some of them with the vocabulary's own special
/// tokens. Tokens that only pad the embedding may be missing. Takes milliseconds to a second, independent of
/// the model's size. Throws base::Error if a tokenizer cannot encode a text; base::Cancelled.
TokenizerDifferences compareTokenizers(const tokenizer::Tokenizer& expected,
                                       const tokenizer::Tokenizer& found, std::span<const TextKind> tolerated,
                                       const std::stop_token& stop);

} // namespace nibblesmith::exporting
