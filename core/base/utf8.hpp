// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// Bytes of the well-formed UTF-8 character at `at` (1..4), or 0 where there is none: a stray byte, an
/// overlong form, a surrogate. Source: Unicode 15, table 3-7.
size_t characterBytes(std::string_view text, size_t at);

/// As characterBytes, but a byte that belongs to no character counts as one of its own.
inline size_t characterOrByte(std::string_view text, size_t at) {
  const size_t bytes = characterBytes(text, at);
  return bytes == 0 ? 1 : bytes;
}

bool isUtf8(std::string_view text);

void appendUtf8(char32_t character, std::string& text);
/// The character at `at`, which characterBytes() found well-formed.
char32_t characterAt(std::string_view text, size_t at);

} // namespace nibblesmith::base
