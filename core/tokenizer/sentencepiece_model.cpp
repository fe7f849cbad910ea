// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/sentencepiece_model.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;

// Field numbers of the proto.
constexpr uint64_t kModelPieces = 1, kModelTrainer = 2, kModelNormalizer = 3;
constexpr uint64_t kPieceText = 1, kPieceScore = 2, kPieceType = 3;
constexpr uint64_t kTrainerModelType = 3, kTrainerBlankAsSuffix = 24;
constexpr uint64_t kTrainerIds[] = {40, 41, 42, 43}; // unk, bos, eos, pad
constexpr uint64_t kNormalizerCharsMap = 2, kNormalizerAddDummyPrefix = 3, kNormalizerRemoveBlanks = 4,
                   kNormalizerEscapeBlanks = 5;
constexpr uint64_t kUnigram = 1, kBpe = 2;

/// One field of a protobuf message: a number, or bytes.
struct Field {
  uint64_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;
};

class MessageReader {
public:
  MessageReader(std::string_view bytes, const std::string& origin) : m_bytes(bytes), m_origin(origin) {}

  std::optional<Field> next() {
    if (m_position == m_bytes.size())
      return std::nullopt;
    const uint64_t tag = varint();
    Field field{tag >> 3, 0, {}};
    switch (tag & 7) {
    case 0:
      field.value = varint();
      break;
    case 1:
      field.value = fixed(8);
      break;
    case 2:
      field.bytes = take(varint());
      break;
    case 5:
      field.value = fixed(4);
      break;
    default:
      corrupt("a field of unknown wire type " + std::to_string(tag & 7));
    }
    return field;
  }

  [[noreturn]] void corrupt(const std::string& what) const {
    throw Error(ErrorCode::Corrupt, m_origin + ": not a sentencepiece model: " + what + " before byte " +
                                        std::to_string(m_position));
  }

private:
  std::string_view take(uint64_t count) {
    if (count > m_bytes.size() - m_position)
      corrupt("a field runs past the end (file cut short?)");
    const std::string_view bytes = m_bytes.substr(m_position, count);
    m_position += count;
    return bytes;
  }
  uint64_t fixed(size_t count) {
    uint64_t value = 0;
    std::memcpy(&value, take(count).data(), count);
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80)
        return value;
    }
    corrupt("a number of more than 64 bits");
  }

  std::string_view m_bytes;
  const std::string& m_origin;
  size_t m_position = 0;
};

void readPiece(std::string_view bytes, const std::string& origin, Vocabulary& vocabulary) {
  std::string text;
  float score = 0;
  uint64_t type = 1;
  MessageReader reader(bytes, origin);
  while (const auto field = reader.next()) {
    if (field->number == kPieceText)
      text = field->bytes;
    else if (field->number == kPieceScore)
      score = std::bit_cast<float>(static_cast<uint32_t>(field->value));
    else if (field->number == kPieceType)
      type = field->value;
  }
  // The enum's numbers are those of TokenType.
  if (type < 1 || type > 6 || !std::isfinite(score))
    reader.corrupt("piece " + std::to_string(vocabulary.tokens.size()) +
                   ": a type of 1 to 6 and a finite score");
  // The library builds a tree of texts that end with a zero byte.
  if (text.empty() || text.find('\0') != std::string::npos)
    reader.corrupt("piece " + std::to_string(vocabulary.tokens.size()) + ": a text without zero bytes");
  vocabulary.tokens.push_back(std::move(text));
  vocabulary.scores.push_back(score);
  vocabulary.types.push_back(static_cast<TokenType>(type));
}

// Ids are int32 in the proto, sign-extended to 64 bits on the wire; -1 is "none".
void readTrainer(std::string_view bytes, const std::string& origin, Vocabulary& vocabulary) {
  uint64_t modelType = kUnigram;
  TokenId* const ids[] = {&vocabulary.unknown, &vocabulary.bos, &vocabulary.eos, &vocabulary.padding};
  MessageReader reader(bytes, origin);
  while (const auto field = reader.next()) {
    if (field->number == kTrainerModelType)
      modelType = field->value;
    if (field->number == kTrainerBlankAsSuffix && field->value != 0)
      vocabulary.unsupportedNormalization = "blanks that belong to the words before them";
    for (size_t i = 0; i < 4; ++i)
      if (field->number == kTrainerIds[i])
        *ids[i] = static_cast<TokenId>(static_cast<int64_t>(field->value));
  }
  if (modelType != kBpe && modelType != kUnigram)
    throw Error(ErrorCode::NotSupported,
                origin + ": expected a sentencepiece model of type 1 (unigram) or 2 (BPE), found type " +
                    std::to_string(modelType));
  if (modelType == kUnigram)
    vocabulary.model = "t5";
}

void readNormalizer(std::string_view bytes, const std::string& origin, Vocabulary& vocabulary) {
  MessageReader reader(bytes, origin);
  while (const auto field = reader.next()) {
    if (field->number == kNormalizerCharsMap)
      vocabulary.charsMap = field->bytes;
    else if (field->number == kNormalizerAddDummyPrefix)
      vocabulary.addSpacePrefix = field->value != 0;
    else if (field->number == kNormalizerRemoveBlanks)
      vocabulary.removeExtraBlanks = field->value != 0;
    else if (field->number == kNormalizerEscapeBlanks && field->value == 0)
      vocabulary.unsupportedNormalization = "blanks that stay as they are";
  }
}

} // namespace

Vocabulary readSentencepieceVocabulary(std::span<const std::byte> file, const std::string& origin) {
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.pre = "default";
  // The proto's defaults.
  vocabulary.unknown = 0;
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  vocabulary.removeExtraBlanks = true;
  bool hasTrainer = false;
  MessageReader reader({reinterpret_cast<const char*>(file.data()), file.size()}, origin);
  while (const auto field = reader.next()) {
    if (field->number == kModelPieces)
      readPiece(field->bytes, origin, vocabulary);
    else if (field->number == kModelNormalizer)
      readNormalizer(field->bytes, origin, vocabulary);
    else if (field->number == kModelTrainer)
      readTrainer(field->bytes, origin, vocabulary);
    hasTrainer = hasTrainer || field->number == kModelTrainer;
  }
  if (vocabulary.tokens.empty() || !hasTrainer)
    reader.corrupt("no pieces or no trainer_spec");
  const auto size = static_cast<TokenId>(vocabulary.tokens.size());
  for (TokenId* id : {&vocabulary.unknown, &vocabulary.bos, &vocabulary.eos, &vocabulary.padding})
    if (*id < 0 || *id >= size)
      *id = -1;
  return vocabulary;
}

} // namespace nibblesmith::tokenizer
