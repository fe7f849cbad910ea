// SPDX-License-Identifier: Apache-2.0
#include "export/sentencepiece_file.hpp"

#include <algorithm>
#include <bit>

namespace nibblesmith::exporting {

namespace {

using tokenizer::TokenType;

/// Appends fields of a protocol buffer message in wire format.
class Message {
public:
  void integer(uint32_t field, int64_t value) {
    key(field, 0);
    varint(static_cast<uint64_t>(value)); // negative numbers take ten bytes, as the format says
  }
  void real(uint32_t field, float value) {
    key(field, 5);
    const auto bits = std::bit_cast<uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8)
      m_bytes.push_back(static_cast<char>((bits >> shift) & 0xFFu));
  }
  void text(uint32_t field, const std::string& value) {
    key(field, 2);
    varint(value.size());
    m_bytes += value;
  }
  const std::string& bytes() const { return m_bytes; }

private:
  void key(uint32_t field, uint32_t wireType) { varint(uint64_t{field} << 3 | wireType); }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      m_bytes.push_back(static_cast<char>(value | 0x80));
    m_bytes.push_back(static_cast<char>(value));
  }
  std::string m_bytes;
};

// ModelProto
constexpr uint32_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3;
// SentencePiece
constexpr uint32_t kPiece = 1, kScore = 2, kType = 3;
// TrainerSpec
constexpr uint32_t kModelType = 3, kVocabSize = 4, kByteFallback = 35, kUnkId = 40, kBosId = 41, kEosId = 42,
                   kPadId = 43;
constexpr int64_t kBpe = 2;
// NormalizerSpec
constexpr uint32_t kName = 1, kAddDummyPrefix = 3, kRemoveExtraWhitespaces = 4, kEscapeWhitespaces = 5;

Message piece(const tokenizer::Vocabulary& vocabulary, size_t id) {
  Message message;
  message.text(kPiece, vocabulary.tokens[id]);
  message.real(kScore, id < vocabulary.scores.size() ? vocabulary.scores[id] : 0.0f);
  // The enumerations of sentencepiece and ggml have the same numbers: Normal 1 ... Byte 6.
  message.integer(kType, id < vocabulary.types.size() ? static_cast<int64_t>(vocabulary.types[id]) : 1);
  return message;
}

} // namespace

std::string sentencePieceModel(const tokenizer::Vocabulary& vocabulary) {
  Message model;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    model.text(kPieces, piece(vocabulary, id).bytes());
  Message trainer;
  trainer.integer(kModelType, kBpe);
  trainer.integer(kVocabSize, static_cast<int64_t>(vocabulary.tokens.size()));
  const bool bytes =
      std::find(vocabulary.types.begin(), vocabulary.types.end(), TokenType::Byte) != vocabulary.types.end();
  trainer.integer(kByteFallback, bytes ? 1 : 0);
  trainer.integer(kUnkId, std::max(0, vocabulary.unknown));
  trainer.integer(kBosId, vocabulary.bos);
  trainer.integer(kEosId, vocabulary.eos);
  trainer.integer(kPadId, vocabulary.padding);
  model.text(kTrainerSpec, trainer.bytes());
  Message normalizer;
  normalizer.text(kName, "identity");
  normalizer.integer(kAddDummyPrefix, vocabulary.addSpacePrefix ? 1 : 0);
  normalizer.integer(kRemoveExtraWhitespaces, 0);
  normalizer.integer(kEscapeWhitespaces, 1);
  model.text(kNormalizerSpec, normalizer.bytes());
  return model.bytes();
}

} // namespace nibblesmith::exporting
