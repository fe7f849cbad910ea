// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::tokenizer {

/// A table of text replacements as sentencepiece compiles them: "Precompiled" of tokenizer.json,
/// precompiled_charsmap of GGUF and tokenizer.model. Immutable, any thread. Layout: u32 bytes of a double
/// array; its units, u32 each; then the replacements, each ended by a zero byte. A unit has its label in bits
/// 0-7 (bit 31 clear), whether a value follows in bit 8, and where its children are in bits 10-30, shifted by
/// 8 where bit 9 is set; the value is a place in the replacements. Source: google/sentencepiece,
/// normalizer.cc; s-yata/darts-clone, darts.h (DoubleArrayUnit).
class CharsMap {
public:
  /// Walks all entries. Throws base::Error{Corrupt} naming `origin` (file and field) where a length, an entry
  /// or a value points outside of the table, where a replacement has no end or where entries run in a circle;
  /// {NotSupported} above the limits of limits.hpp.
  CharsMap(std::string_view bytes, const std::string& origin);

  struct Found {
    size_t length = 0; ///< bytes of the entry; 0: the text begins with none
    std::string_view replacement;
  };
  /// The longest entry that the text begins with.
  Found longest(std::string_view text) const;

  /// The longest entry at each place is replaced; what has none stays. Throws as Budget::step() and hold();
  /// the memory of the result stays held.
  std::string apply(std::string_view text, base::Budget& budget, std::string_view field) const;

private:
  class Check;

  std::vector<uint32_t> m_units;
  std::string m_replacements;
};

} // namespace nibblesmith::tokenizer
