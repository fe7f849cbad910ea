// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// Returns the length of the well-formed UTF-8 character at `at` (1..4 bytes), or 0 if there is none: a stray
/// byte, an overlong form, a surrogate. Source: Unicode 15, table 3-7.
size_t characterBytes(std::string_view text, size_t at);

/// Returns characterBytes(), or 1 for a byte that belongs to no character.
inline size_t characterOrByte(std::string_view text, size_t at) {
  const size_t bytes = characterBytes(text, at);
  return bytes == 0 ? 1 : bytes;
}

bool isUtf8(std::string_view text);

void appendUtf8(char32_t character, std::string& text);
/// Returns the character at `at`, which must be well-formed (see characterBytes()).
char32_t characterAt(std::string_view text, size_t at);

} // namespace nibblesmith::base
