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

/// User-defined tokens have blanks in GGUF files, and blank symbols in sentencepiece models.
std::string withBlanks(std::string_view token);
std::string withBlankSymbols(std::string_view token);

/// Whether no token but a control token has a blank symbol behind another character. Text can then be cut
/// before each stretch of blanks, and the parts encoded one by one, with the same result.
bool blanksOnlyBegin(const Vocabulary& vocabulary);
/// The parts of a text with blank symbols, cut so.
std::vector<std::string_view> cutBeforeBlanks(std::string_view text);

/// Tokenizer::tokenBytes and Tokenizer::decode for any vocabulary. Throw base::Error{InvalidArgument} where
/// an id is outside of it. A leading blank is dropped where the vocabulary adds a space prefix.
std::string tokenBytes(const Vocabulary& vocabulary, TokenId id);
std::string decode(const Vocabulary& vocabulary, std::span<const TokenId> ids, bool skipSpecial);

} // namespace nibblesmith::tokenizer
