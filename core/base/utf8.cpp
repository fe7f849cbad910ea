// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"

namespace nibblesmith::base {

namespace {

uint8_t byteAt(std::string_view text, size_t at) {
  return at < text.size() ? static_cast<uint8_t>(text[at]) : 0;
}

bool within(uint8_t byte, uint8_t low, uint8_t high) { return byte >= low && byte <= high; }

} // namespace

size_t characterBytes(std::string_view text, size_t at) {
  const uint8_t first = byteAt(text, at);
  if (first < 0x80)
    return at < text.size() ? 1 : 0;
  const uint8_t second = byteAt(text, at + 1);
  if (within(first, 0xC2, 0xDF))
    return within(second, 0x80, 0xBF) ? 2 : 0;
  const bool third = within(byteAt(text, at + 2), 0x80, 0xBF);
  if (within(first, 0xE0, 0xEF)) {
    const uint8_t low = first == 0xE0 ? 0xA0 : 0x80;
    const uint8_t high = first == 0xED ? 0x9F : 0xBF;
    return within(second, low, high) && third ? 3 : 0;
  }
  if (within(first, 0xF0, 0xF4)) {
    const uint8_t low = first == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = first == 0xF4 ? 0x8F : 0xBF;
    return within(second, low, high) && third && within(byteAt(text, at + 3), 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

bool isUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t bytes = characterBytes(text, at);
    if (bytes == 0)
      return false;
    at += bytes;
  }
  return true;
}

void appendUtf8(char32_t character, std::string& text) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(static_cast<uint8_t>(byte)); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xC0 | (character >> 6));
    put(0x80 | (character & 0x3F));
  } else if (character < 0x10000) {
    put(0xE0 | (character >> 12));
    put(0x80 | ((character >> 6) & 0x3F));
    put(0x80 | (character & 0x3F));
  } else {
    put(0xF0 | (character >> 18));
    put(0x80 | ((character >> 12) & 0x3F));
    put(0x80 | ((character >> 6) & 0x3F));
    put(0x80 | (character & 0x3F));
  }
}

char32_t characterAt(std::string_view text, size_t at) {
  const uint8_t first = byteAt(text, at);
  const auto tail = [&](size_t i) { return static_cast<char32_t>(byteAt(text, at + i) & 0x3F); };
  if (first < 0x80)
    return first;
  if (first < 0xE0)
    return (static_cast<char32_t>(first & 0x1F) << 6) | tail(1);
  if (first < 0xF0)
    return (static_cast<char32_t>(first & 0x0F) << 12) | (tail(1) << 6) | tail(2);
  return (static_cast<char32_t>(first & 0x07) << 18) | (tail(1) << 12) | (tail(2) << 6) | tail(3);
}

} // namespace nibblesmith::base
