// SPDX-License-Identifier: Apache-2.0
#include "export/sentencepiece_file.hpp"

#include "base/error.hpp"
#include "tokenizer/pieces.hpp"

#include <algorithm>
#include <bit>

namespace nibblesmith::exporting {

namespace {

using tokenizer::TokenId;
using tokenizer::TokenType;
using tokenizer::Vocabulary;

/// Appends fields of a protocol buffer message in wire format.
class Message {
public:
  void integer(uint32_t field, int64_t value) {
    key(field, 0);
    varint(static_cast<uint64_t>(value)); // negative numbers take ten bytes in this format
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
constexpr uint32_t kModelType = 3, kVocabSize = 4, kByteFallback = 35;
constexpr uint32_t kUnkId = 40, kBosId = 41, kEosId = 42, kPadId = 43;
constexpr uint32_t kUnkPiece = 45, kBosPiece = 46, kEosPiece = 47, kPadPiece = 48;
constexpr int64_t kUnigram = 1, kBpe = 2;
// NormalizerSpec
constexpr uint32_t kName = 1, kCharsMap = 2, kAddDummyPrefix = 3, kRemoveExtraWhitespaces = 4,
                   kEscapeWhitespaces = 5;

bool isIn(const Vocabulary& vocabulary, TokenId id) {
  return id >= 0 && static_cast<size_t>(id) < vocabulary.tokens.size();
}

/// Returns the unknown token that the library requires: the vocabulary's own, whatever its type, otherwise
/// the first of type Unknown. GGUF converters give all special tokens of tokenizer_config.json the type
/// "control", including the unknown token.
TokenId unknownPiece(const Vocabulary& vocabulary) {
  if (isIn(vocabulary, vocabulary.unknown))
    return vocabulary.unknown;
  const auto found = std::ranges::find(vocabulary.types, TokenType::Unknown);
  if (found == vocabulary.types.end())
    throw base::Error(base::ErrorCode::NotSupported,
                      "tokenizer.model: expected a token for unknown characters, which a sentencepiece model "
                      "must have, found none in the vocabulary");
  return static_cast<TokenId>(found - vocabulary.types.begin());
}

/// Returns the piece type; sentencepiece and ggml use the same numbers: Normal 1 ... Byte 6.
TokenType typeOf(const Vocabulary& vocabulary, TokenId id, TokenId unknown) {
  if (id == unknown)
    return TokenType::Unknown;
  const auto at = static_cast<size_t>(id);
  const TokenType type = at < vocabulary.types.size() ? vocabulary.types[at] : TokenType::Normal;
  return type == TokenType::Unknown ? TokenType::Control : type;
}

Message piece(const Vocabulary& vocabulary, TokenId id, TokenId unknown) {
  const auto at = static_cast<size_t>(id);
  const TokenType type = typeOf(vocabulary, id, unknown);
  Message message;
  message.text(kPiece, type == TokenType::UserDefined ? tokenizer::withBlankSymbols(vocabulary.tokens[at])
                                                      : vocabulary.tokens[at]);
  message.real(kScore, at < vocabulary.scores.size() ? vocabulary.scores[at] : 0.0f);
  message.integer(kType, static_cast<int64_t>(type));
  return message;
}

Message trainerSpec(const Vocabulary& vocabulary, TokenId unknown) {
  Message trainer;
  trainer.integer(kModelType, vocabulary.model == tokenizer::TokenizerModel::Unigram ? kUnigram : kBpe);
  trainer.integer(kVocabSize, static_cast<int64_t>(vocabulary.tokens.size()));
  const bool hasBytes = std::ranges::find(vocabulary.types, TokenType::Byte) != vocabulary.types.end();
  trainer.integer(kByteFallback, hasBytes ? 1 : 0);
  trainer.integer(kUnkId, unknown);
  trainer.integer(kBosId, vocabulary.bos);
  trainer.integer(kEosId, vocabulary.eos);
  trainer.integer(kPadId, vocabulary.padding);
  // The library derives the ids from these names.
  const auto name = [&](uint32_t field, TokenId id) {
    if (isIn(vocabulary, id))
      trainer.text(field, vocabulary.tokens[static_cast<size_t>(id)]);
  };
  name(kUnkPiece, unknown);
  name(kBosPiece, vocabulary.bos);
  name(kEosPiece, vocabulary.eos);
  name(kPadPiece, vocabulary.padding);
  return trainer;
}

Message normalizerSpec(const Vocabulary& vocabulary) {
  // llama.cpp adds a space before the text when it collapses spaces.
  const bool isPrefixed =
      vocabulary.addSpacePrefix ||
      (vocabulary.model == tokenizer::TokenizerModel::Unigram && vocabulary.collapseSpaces);
  Message normalizer;
  normalizer.text(kName, vocabulary.charsMap.empty() ? "identity" : "user_defined");
  if (!vocabulary.charsMap.empty())
    normalizer.text(kCharsMap, vocabulary.charsMap);
  normalizer.integer(kAddDummyPrefix, isPrefixed ? 1 : 0);
  normalizer.integer(kRemoveExtraWhitespaces, vocabulary.collapseSpaces ? 1 : 0);
  normalizer.integer(kEscapeWhitespaces, 1);
  return normalizer;
}

} // namespace

std::string sentencePieceModel(const Vocabulary& vocabulary) {
  const TokenId unknown = unknownPiece(vocabulary);
  Message model;
  for (TokenId id = 0; isIn(vocabulary, id); ++id)
    model.text(kPieces, piece(vocabulary, id, unknown).bytes());
  model.text(kTrainerSpec, trainerSpec(vocabulary, unknown).bytes());
  model.text(kNormalizerSpec, normalizerSpec(vocabulary).bytes());
  return model.bytes();
}

} // namespace nibblesmith::exporting
