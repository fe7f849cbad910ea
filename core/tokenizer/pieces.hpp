// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <array>

namespace nibblesmith::tokenizer {

/// How vocabularies write bytes and blanks, and back.

/// U+2581, which stands for a blank in sentencepiece vocabularies.
inline constexpr std::string_view kBlankSymbol = "\xE2\x96\x81";

/// The printable character that stands for each byte in byte-level vocabularies ("Ġ" for a blank).
/// Source: openai/gpt-2, encoder.py, bytes_to_unicode.
const std::array<std::string, 256>& byteSymbols();

/// The byte a sentencepiece byte token "<0x0A>" stands for, or -1.
int byteOfToken(std::string_view token);
/// "<0x0A>".
std::string tokenOfByte(uint8_t byte);

/// Tokenizer::tokenBytes and Tokenizer::decode for any vocabulary. Throw base::Error{InvalidArgument} where an id
/// is outside of it. A leading blank is dropped where the vocabulary adds a space prefix.
std::string tokenBytes(const Vocabulary& vocabulary, TokenId id);
std::string decode(const Vocabulary& vocabulary, std::span<const TokenId> ids, bool skipSpecial);

} // namespace nibblesmith::tokenizer
