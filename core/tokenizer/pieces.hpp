// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <array>

namespace nibblesmith::tokenizer {

/// Conversions between text and its notation in vocabularies.

/// U+2581, the symbol for a space in sentencepiece vocabularies.
inline constexpr std::string_view kBlankSymbol = "\xE2\x96\x81";

/// Returns the printable character for each byte in byte-level vocabularies ("Ġ" for a space). Source:
/// openai/gpt-2, encoder.py, bytes_to_unicode.
const std::array<std::string, 256>& byteSymbols();

/// Returns the byte of a sentencepiece byte token such as "<0x0A>", or -1.
int byteOfToken(std::string_view token);
/// Returns the byte token, such as "<0x0A>".
std::string tokenOfByte(uint8_t byte);

/// Convert between space symbols and spaces: user-defined tokens have spaces in GGUF files, symbols in
/// sentencepiece models.
std::string withBlanks(std::string_view token);
std::string withBlankSymbols(std::string_view token);

/// Returns true if no token except control tokens has a space symbol after another character. Text can then
/// be split before each run of spaces and encoded in parts, with the same result.
bool blanksOnlyBegin(const Vocabulary& vocabulary);
/// Splits a text with space symbols before each run of them.
std::vector<std::string_view> splitBeforeSpaces(std::string_view text);

/// Implement Tokenizer::tokenBytes() and Tokenizer::decode() for any vocabulary. Throw
/// base::Error{InvalidArgument} if an id is out of range. A leading space is removed if the vocabulary adds a
/// space prefix.
std::string tokenBytes(const Vocabulary& vocabulary, TokenId id);
std::string decode(const Vocabulary& vocabulary, std::span<const TokenId> ids, bool skipSpecial);

} // namespace nibblesmith::tokenizer
