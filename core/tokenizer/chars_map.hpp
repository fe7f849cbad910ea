// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::tokenizer {

/// A table of text replacements as sentencepiece compiles them: "Precompiled" of tokenizer.json,
/// precompiled_charsmap of GGUF. Immutable, any thread. Layout: u32 bytes of a double array; its units, u32
/// each; then the replacements, each ended by a zero byte. A unit has its label in bits 0-7 (bit 31 clear),
/// whether a value follows in bit 8, and where its children are in bits 10-30, shifted by 8 where bit 9 is
/// set; the value is a place in the replacements. Source: google/sentencepiece, normalizer.cc;
/// s-yata/darts-clone, darts.h (DoubleArrayUnit).
class CharsMap {
public:
  /// Throws base::Error{Corrupt} naming `origin` where lengths lie.
  CharsMap(std::string_view bytes, const std::string& origin);

  /// The longest entry at each place is replaced; what has none stays.
  std::string apply(std::string_view text) const;

private:
  /// Bytes of the longest entry that the text begins with, and its value; 0 where there is none.
  size_t longest(std::string_view text, uint32_t& value) const;

  std::vector<uint32_t> m_units;
  std::string m_replacements;
};

} // namespace nibblesmith::tokenizer
