// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <span>
#include <string>

namespace nibblesmith::exporting {

/// Kinds of texts that two tokenizers are compared on.
enum class TextKind {
  Usual,               ///< words, digits, umlauts, emoji, punctuation, other scripts, with single blanks
  Blanks,              ///< repeated, leading and trailing blanks, tabs and line breaks
  SpecialTokens,       ///< each special token alone, parsed and as plain text
  BesideSpecialTokens, ///< text and blanks before and behind a special or user-defined token
  Rare,                ///< decomposed and compatibility characters, joined emoji, blanks alone
};

struct TokenizerDifferences {
  std::string failure;   ///< the first difference that is not tolerated, in words; empty: none
  std::string tolerated; ///< which texts of tolerated kinds have other ids, in words; empty: none
};

/// Compares a tokenizer that was written and read back with the one that it was made from: every token's
/// bytes, what decoding leaves out, BOS and EOS; and the ids of texts, some of them made of the vocabulary's
/// own special tokens. Tokens that only fill up the embedding may be missing. Takes milliseconds to a second,
/// whatever the model's size. Throws base::Error where a tokenizer cannot encode a text;
/// base::Cancelled.
TokenizerDifferences compareTokenizers(const tokenizer::Tokenizer& expected,
                                       const tokenizer::Tokenizer& found, std::span<const TextKind> tolerated,
                                       const std::stop_token& stop);

} // namespace nibblesmith::exporting
