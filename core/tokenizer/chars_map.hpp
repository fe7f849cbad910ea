// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::tokenizer {

/// Table of text replacements compiled by sentencepiece: "Precompiled" in tokenizer.json,
/// precompiled_charsmap in GGUF and tokenizer.model. Immutable; safe for concurrent use. Layout: u32 size of
/// a double array in bytes; its units, u32 each; then the replacements, each terminated by a zero byte. A
/// unit has its label in bits 0-7 (bit 31 clear), a has-value flag in bit 8, and the offset of its children
/// in bits 10-30, shifted by 8 if bit 9 is set. The value is an offset into the replacements. Source:
/// google/sentencepiece, normalizer.cc; s-yata/darts-clone, darts.h (DoubleArrayUnit).
class CharsMap {
public:
  /// Parses and validates all entries. Throws base::Error{Corrupt} naming `origin` (file and field) if a
  /// length, entry or value points outside the table, a replacement is not terminated, or entries form a
  /// cycle; {NotSupported} above the limits in limits.hpp.
  CharsMap(std::string_view bytes, const std::string& origin);

  struct Found {
    size_t length = 0; ///< bytes of the entry; 0: no match
    std::string_view replacement;
  };
  /// Returns the longest entry that is a prefix of the text.
  Found longest(std::string_view text) const;

  /// Replaces the longest entry at each position; other text stays unchanged. Throws like Budget::step() and
  /// hold(). The memory of the result stays charged to the budget.
  std::string apply(std::string_view text, base::Budget& budget, std::string_view field) const;

private:
  class Check;

  std::vector<uint32_t> m_units;
  std::string m_replacements;
};

} // namespace nibblesmith::tokenizer
