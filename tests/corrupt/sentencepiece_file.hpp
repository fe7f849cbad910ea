// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "write_bytes.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace nibblesmith::test {

/// Hand-made protocol buffer message in which a test can falsify any part.
class ProtoMessage {
public:
  ProtoMessage& number(uint32_t field, uint64_t value) {
    varint(uint64_t{field} << 3);
    varint(value);
    return *this;
  }
  ProtoMessage& real(uint32_t field, float value) {
    varint(uint64_t{field} << 3 | 5);
    char bytes[sizeof(value)];
    std::memcpy(bytes, &value, sizeof(value));
    m_bytes.append(bytes, sizeof(value));
    return *this;
  }
  ProtoMessage& text(uint32_t field, const std::string& value) {
    varint(uint64_t{field} << 3 | 2);
    varint(value.size());
    m_bytes += value;
    return *this;
  }
  const std::string& bytes() const { return m_bytes; }

private:
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      m_bytes.push_back(static_cast<char>(static_cast<uint8_t>(value | 0x80)));
    m_bytes.push_back(static_cast<char>(static_cast<uint8_t>(value)));
  }
  std::string m_bytes;
};

/// Hand-made tokenizer.model: pieces, trainer_spec and normalizer_spec.
struct SentencepieceFile {
  static constexpr uint64_t kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6;
  static constexpr uint64_t kUnigram = 1, kBpe = 2;

  ProtoMessage pieces;
  ProtoMessage trainer;
  ProtoMessage normalizer;

  SentencepieceFile& piece(const std::string& text, float score = 0, uint64_t type = kNormal) {
    pieces.text(1, ProtoMessage().text(1, text).real(2, score).number(3, type).bytes());
    return *this;
  }
  std::string bytes() const {
    ProtoMessage file;
    file.text(2, trainer.bytes()).text(3, normalizer.bytes());
    return pieces.bytes() + file.bytes();
  }

  /// Returns a valid file with the pieces "▁", "a", "b" and "ab".
  static SentencepieceFile valid(uint64_t model = kBpe) {
    SentencepieceFile file;
    file.trainer.number(3, model);
    file.normalizer.number(4, 0);
    file.piece("<unk>", 0, kUnknown).piece("<s>", 0, kControl).piece("</s>", 0, kControl);
    file.piece("\xE2\x96\x81", -1).piece("a", -2).piece("b", -3).piece("ab", -1.5f);
    return file;
  }
};

/// Hand-made replacement table in sentencepiece's compiled form, with 512 units.
struct CharsMapTable {
  static constexpr uint32_t kHasValue = 1u << 8;
  static constexpr uint32_t kValue = 1u << 31;
  static constexpr uint32_t offset(uint32_t value) { return value << 10; }

  std::vector<uint32_t> units = std::vector<uint32_t>(512);
  std::string replacements = std::string("b\0", 2);
  uint32_t claimed = 0; ///< claimed size of the units in bytes; 0: the real size

  std::string bytes() const {
    const auto size = static_cast<uint32_t>(4 * units.size());
    std::string bytes(4 + size, '\0');
    std::memcpy(bytes.data(), claimed ? &claimed : &size, 4);
    std::memcpy(bytes.data() + 4, units.data(), size);
    return bytes + replacements;
  }

  /// Returns a valid table that replaces "A" by "b".
  static CharsMapTable valid() {
    CharsMapTable table;
    table.units[0] = offset(1); // children around 1
    table.units[1 ^ 'A'] = 'A' | kHasValue | offset(2);
    table.units[1 ^ 'A' ^ 2] = kValue | 0;
    return table;
  }
};

} // namespace nibblesmith::test
