// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pieces.hpp"

#include "tokenizer/utf8.hpp"

namespace nibblesmith::tokenizer {

namespace {

// Bytes that stand for themselves; the others are mapped in order to the characters from U+0100 on.
bool isPrintable(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

std::array<char32_t, 256> byteCharacters() {
  std::array<char32_t, 256> characters{};
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte)
    characters[static_cast<size_t>(byte)] = isPrintable(byte) ? static_cast<char32_t>(byte) : next++;
  return characters;
}

// Indexed by character, 0 .. 0x143. -1: stands for no byte.
std::array<int16_t, 0x144> characterBytesTable() {
  std::array<int16_t, 0x144> bytes{};
  bytes.fill(-1);
  const std::array<char32_t, 256> characters = byteCharacters();
  for (size_t byte = 0; byte < 256; ++byte)
    bytes[characters[byte]] = static_cast<int16_t>(byte);
  return bytes;
}

std::string bytesOfSymbols(std::string_view token) {
  static const std::array<int16_t, 0x144> kBytes = characterBytesTable();
  std::string bytes;
  for (size_t at = 0; at < token.size();) {
    const size_t length = characterOrByte(token, at);
    const char32_t character = length == 1 ? static_cast<uint8_t>(token[at]) : characterAt(token, at);
    if (character < kBytes.size() && kBytes[character] >= 0)
      bytes += static_cast<char>(static_cast<uint8_t>(kBytes[character]));
    else
      bytes += token.substr(at, length);
    at += length;
  }
  return bytes;
}

std::string replaceAll(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const size_t found = std::min(text.find(from, at), text.size());
    result += text.substr(at, found - at);
    if (found < text.size())
      result += to;
    at = found + (found < text.size() ? from.size() : 0);
  }
  return result;
}

int hexDigit(char digit) {
  if (digit >= '0' && digit <= '9')
    return digit - '0';
  if (digit >= 'A' && digit <= 'F')
    return digit - 'A' + 10;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

} // namespace

const std::array<std::string, 256>& byteSymbols() {
  static const std::array<std::string, 256> kSymbols = [] {
    std::array<std::string, 256> symbols;
    const std::array<char32_t, 256> characters = byteCharacters();
    for (size_t byte = 0; byte < 256; ++byte)
      appendUtf8(characters[byte], symbols[byte]);
    return symbols;
  }();
  return kSymbols;
}

int byteOfToken(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>')
    return -1;
  const int high = hexDigit(token[3]);
  const int low = hexDigit(token[4]);
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

std::string tokenOfByte(uint8_t byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">";
}

std::string withBlanks(std::string_view token) { return replaceAll(token, kBlankSymbol, " "); }

std::string withBlankSymbols(std::string_view token) { return replaceAll(token, " ", kBlankSymbol); }

bool blanksOnlyBegin(const Vocabulary& vocabulary) {
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    std::string_view token = vocabulary.tokens[id];
    if (vocabulary.types[id] == TokenType::Control)
      continue;
    // User-defined tokens in GGUF files have spaces, not space symbols.
    while (token.starts_with(kBlankSymbol) || token.starts_with(' '))
      token.remove_prefix(token.starts_with(' ') ? 1 : kBlankSymbol.size());
    if (token.find(kBlankSymbol) != std::string_view::npos || token.find(' ') != std::string_view::npos)
      return false;
  }
  return true;
}

std::vector<std::string_view> splitBeforeSpaces(std::string_view text) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  for (size_t at = text.find(kBlankSymbol); at != std::string_view::npos;) {
    if (at > begin) {
      parts.push_back(text.substr(begin, at - begin));
      begin = at;
    }
    while (text.substr(at).starts_with(kBlankSymbol))
      at += kBlankSymbol.size();
    at = text.find(kBlankSymbol, at);
  }
  if (begin < text.size())
    parts.push_back(text.substr(begin));
  return parts;
}

std::string tokenBytes(const Vocabulary& vocabulary, TokenId id) {
  if (id < 0 || static_cast<size_t>(id) >= vocabulary.tokens.size())
    throw base::Error(base::ErrorCode::InvalidArgument, "token id " + std::to_string(id) +
                                                            " is outside of the vocabulary of " +
                                                            std::to_string(vocabulary.tokens.size()));
  const std::string& token = vocabulary.tokens[static_cast<size_t>(id)];
  const TokenType type = vocabulary.types[static_cast<size_t>(id)];
  if (type == TokenType::Byte && byteOfToken(token) >= 0)
    return std::string(1, static_cast<char>(static_cast<uint8_t>(byteOfToken(token))));
  if (vocabulary.model != TokenizerModel::ByteLevelBpe)
    return type == TokenType::Normal || type == TokenType::UserDefined ? withBlanks(token) : token;
  return type == TokenType::Normal ? bytesOfSymbols(token) : token;
}

std::string decode(const Vocabulary& vocabulary, std::span<const TokenId> ids, bool skipSpecial) {
  std::string text;
  for (const TokenId id : ids) {
    std::string bytes = tokenBytes(vocabulary, id);
    const TokenType type = vocabulary.types[static_cast<size_t>(id)];
    const bool special =
        type == TokenType::Control || type == TokenType::Unknown || type == TokenType::Unused;
    if (!(skipSpecial && special))
      text += bytes;
  }
  const bool prefixed = vocabulary.model != TokenizerModel::ByteLevelBpe && vocabulary.addSpacePrefix;
  return prefixed && text.starts_with(' ') ? text.substr(1) : text;
}

} // namespace nibblesmith::tokenizer
