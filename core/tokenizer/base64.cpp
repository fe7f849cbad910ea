// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/base64.hpp"

#include "base/error.hpp"

#include <cstdint>

namespace nibblesmith::tokenizer {

namespace {

int digitOf(char c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

} // namespace

std::string fromBase64(std::string_view text, const std::string& origin) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  size_t digits = text.size();
  while (digits > 0 && text.size() - digits < 2 && text[digits - 1] == '=')
    --digits;
  uint32_t buffer = 0;
  unsigned bits = 0;
  for (size_t i = 0; i < digits; ++i) {
    const int digit = digitOf(text[i]);
    if (digit < 0 || digits % 4 == 1)
      throw base::Error(base::ErrorCode::Corrupt, origin + ": expected base64, found '" +
                                                      std::string(text.substr(i, 1)) + "' at place " +
                                                      std::to_string(i));
    buffer = buffer << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(static_cast<uint8_t>(buffer >> bits & 0xFFu));
    }
  }
  return bytes;
}

} // namespace nibblesmith::tokenizer
