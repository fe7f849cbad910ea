// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/sentencepiece_model.hpp"

#include "tokenizer/limits.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/vocabulary_builder.hpp"

#include <bit>
#include <bitset>
#include <cmath>
#include <cstring>
#include <optional>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;

// Field numbers in sentencepiece_model.proto.
constexpr uint64_t kModelPieces = 1, kModelTrainer = 2, kModelNormalizer = 3;
constexpr uint64_t kPieceText = 1, kPieceScore = 2, kPieceType = 3;
constexpr uint64_t kTrainerModelType = 3, kTrainerBlankAsSuffix = 24, kTrainerByteFallback = 35;
constexpr uint64_t kTrainerIds[] = {40, 41, 42, 43}; // unk, bos, eos, pad
constexpr uint64_t kNormalizerCharsMap = 2, kNormalizerAddDummyPrefix = 3, kNormalizerRemoveBlanks = 4,
                   kNormalizerEscapeBlanks = 5;
constexpr uint64_t kUnigram = 1, kBpe = 2;

/// Field of a protobuf message: a number or bytes.
struct Field {
  uint64_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;
};

class MessageReader {
public:
  /// Starts reading. name: name of the message, for errors.
  MessageReader(std::string_view bytes, const std::string& origin, std::string name)
      : m_bytes(bytes), m_origin(origin), m_name(std::move(name)) {}

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
      corrupt("a wire type of 0, 1, 2 or 5", std::to_string(tag & 7));
    }
    return field;
  }

  [[noreturn]] void corrupt(const std::string& expected, const std::string& found) const {
    throw Error(ErrorCode::Corrupt, m_origin + ": not a sentencepiece model: " + m_name + ", before byte " +
                                        std::to_string(m_position) + ": expected " + expected + ", found " +
                                        found);
  }

private:
  std::string_view take(uint64_t count) {
    if (count > m_bytes.size() - m_position)
      corrupt(std::to_string(count) + " more bytes",
              std::to_string(m_bytes.size() - m_position) + " (file cut short?)");
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
    corrupt("a number of 64 bits", "a longer one");
  }

  std::string_view m_bytes;
  const std::string& m_origin;
  std::string m_name;
  size_t m_position = 0;
};

/// Reads the messages of one file and validates them together.
class ModelReader {
public:
  explicit ModelReader(const std::string& origin) : m_origin(origin), m_texts(origin + ": pieces") {
    // Defaults of the proto.
    vocabulary().model = TokenizerModel::SentencePieceBpe;
    vocabulary().pre = "default";
    vocabulary().collapseSpaces = true;
  }

  SentencepieceModel read(std::string_view file);

private:
  Vocabulary& vocabulary() { return m_model.vocabulary; }
  void readPiece(std::string_view bytes);
  void readTrainer(std::string_view bytes);
  void readNormalizer(std::string_view bytes);
  void checkPieces() const;
  void setIds();
  [[noreturn]] void corrupt(const std::string& what) const {
    throw Error(ErrorCode::Corrupt, m_origin + ": " + what);
  }

  const std::string& m_origin;
  TokenCheck m_texts;
  SentencepieceModel m_model;
  bool m_hasTrainer = false;
  std::optional<int64_t> m_ids[4]; ///< unk, bos, eos, pad, if present in the file
};

void ModelReader::readPiece(std::string_view bytes) {
  const auto id = std::ssize(vocabulary().tokens);
  std::string_view text;
  float score = 0;
  uint64_t type = 1;
  MessageReader reader(bytes, m_origin, "piece " + std::to_string(id));
  while (const auto field = reader.next()) {
    if (field->number == kPieceText)
      text = field->bytes;
    else if (field->number == kPieceScore)
      score = std::bit_cast<float>(static_cast<uint32_t>(field->value));
    else if (field->number == kPieceType)
      type = field->value;
  }
  // The enum values equal those of TokenType.
  if (type < 1 || type > 6)
    reader.corrupt("a type of 1 to 6", std::to_string(type));
  if (!std::isfinite(score))
    reader.corrupt("a finite score", std::to_string(score));
  if (text.empty() || text.find('\0') != std::string_view::npos)
    reader.corrupt("a text without zero bytes", text.empty() ? "none" : "one with them");
  base::checkLimit(static_cast<uint64_t>(id) + 1, limits::kTokens, "pieces", m_origin);
  m_texts.check(id, text);
  vocabulary().tokens.emplace_back(text);
  vocabulary().scores.push_back(score);
  vocabulary().types.push_back(static_cast<TokenType>(type));
}

void ModelReader::readTrainer(std::string_view bytes) {
  m_hasTrainer = true;
  uint64_t modelType = kUnigram;
  MessageReader reader(bytes, m_origin, "trainer_spec");
  while (const auto field = reader.next()) {
    if (field->number == kTrainerModelType)
      modelType = field->value;
    if (field->number == kTrainerByteFallback)
      m_model.byteFallback = field->value != 0;
    if (field->number == kTrainerBlankAsSuffix)
      m_model.spaceAsSuffix = field->value != 0;
    // int32 in the proto, sign-extended to 64 bits on the wire.
    for (size_t i = 0; i < 4; ++i)
      if (field->number == kTrainerIds[i])
        m_ids[i] = static_cast<int64_t>(field->value);
  }
  if (modelType != kBpe && modelType != kUnigram)
    throw Error(ErrorCode::NotSupported,
                m_origin + ": expected a sentencepiece model of type 1 (unigram) or 2 (BPE), found type " +
                    std::to_string(modelType));
  vocabulary().model = modelType == kUnigram ? TokenizerModel::Unigram : TokenizerModel::SentencePieceBpe;
}

void ModelReader::readNormalizer(std::string_view bytes) {
  MessageReader reader(bytes, m_origin, "normalizer_spec");
  while (const auto field = reader.next()) {
    if (field->number == kNormalizerCharsMap)
      vocabulary().charsMap = field->bytes;
    else if (field->number == kNormalizerAddDummyPrefix)
      vocabulary().addSpacePrefix = field->value != 0;
    else if (field->number == kNormalizerRemoveBlanks)
      vocabulary().collapseSpaces = field->value != 0;
    else if (field->number == kNormalizerEscapeBlanks)
      m_model.escapeBlanks = field->value != 0;
  }
}

/// Checks the requirements of sentencepiece itself.
void ModelReader::checkPieces() const {
  const Vocabulary& vocabulary = m_model.vocabulary;
  std::unordered_map<std::string_view, size_t> known[2];
  std::bitset<256> bytes;
  size_t unknown = 0;
  for (auto& ids : known)
    ids.reserve(vocabulary.tokens.size());
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& text = vocabulary.tokens[id];
    const TokenType type = vocabulary.types[id];
    const std::string name = "piece " + std::to_string(id);
    const bool isReserved =
        type == TokenType::Unknown || type == TokenType::Control || type == TokenType::Byte;
    if (const auto [first, isNew] = known[isReserved ? 1 : 0].try_emplace(text, id); !isNew)
      corrupt(name + ": expected a unique piece, found a duplicate of piece " +
              std::to_string(first->second));
    unknown += type == TokenType::Unknown;
    if (type != TokenType::Byte)
      continue;
    const int byte = byteOfToken(text);
    if (byte < 0 || !m_model.byteFallback)
      corrupt(name + ": expected " + (byte < 0 ? "a byte, as <0x41>" : "no bytes without byte_fallback") +
              ", found '" + text.substr(0, 80) + "'");
    bytes.set(static_cast<size_t>(byte));
  }
  if (unknown != 1)
    corrupt("expected one piece of type 2 (unknown), found " + std::to_string(unknown));
  if (m_model.byteFallback && !bytes.all())
    corrupt("byte_fallback: expected pieces for 256 bytes, found " + std::to_string(bytes.count()));
}

void ModelReader::setIds() {
  constexpr const char* kNames[] = {"unk_id", "bos_id", "eos_id", "pad_id"};
  constexpr int64_t kDefaults[] = {0, 1, 2, -1};
  TokenId* const ids[] = {&vocabulary().unknown, &vocabulary().bos, &vocabulary().eos, &vocabulary().padding};
  const auto size = std::ssize(vocabulary().tokens);
  for (size_t i = 0; i < 4; ++i) {
    const int64_t id = m_ids[i].value_or(kDefaults[i] < size ? kDefaults[i] : -1);
    if (id < -1 || id >= size)
      corrupt(std::string("trainer_spec: ") + kNames[i] + ": expected an id below " + std::to_string(size) +
              ", or -1 for none, found " + std::to_string(id));
    *ids[i] = static_cast<TokenId>(id);
  }
}

SentencepieceModel ModelReader::read(std::string_view file) {
  MessageReader reader(file, m_origin, "the file");
  while (const auto field = reader.next()) {
    if (field->number == kModelPieces)
      readPiece(field->bytes);
    else if (field->number == kModelNormalizer)
      readNormalizer(field->bytes);
    else if (field->number == kModelTrainer)
      readTrainer(field->bytes);
  }
  if (vocabulary().tokens.empty() || !m_hasTrainer)
    reader.corrupt("pieces and a trainer_spec", "not both");
  checkPieces();
  setIds();
  if (m_model.spaceAsSuffix)
    vocabulary().unsupportedNormalization = "blanks that belong to the words before them";
  if (!m_model.escapeBlanks)
    vocabulary().unsupportedNormalization = "blanks that stay as they are";
  return std::move(m_model);
}

} // namespace

SentencepieceModel readSentencepieceModel(std::string_view file, const std::string& origin) {
  return ModelReader(origin).read(file);
}

} // namespace nibblesmith::tokenizer
