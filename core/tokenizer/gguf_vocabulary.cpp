// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/gguf_vocabulary.hpp"

#include "base/foreign_text.hpp"
#include "tokenizer/limits.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/pre_types.hpp"
#include "tokenizer/vocabulary_builder.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

const std::string kPrefix = "tokenizer.ggml.";

const Json& arrayOf(const Json& metadata, const std::string& name, size_t size, const std::string& origin) {
  const std::string key = kPrefix + name;
  if (!metadata.contains(key) || !metadata[key].is_array())
    base::throwJsonType(metadata, key, "an array", origin);
  if (metadata[key].size() != size)
    throw Error(ErrorCode::Corrupt, origin + ": '" + key + "': expected one item for each of " +
                                        std::to_string(size) + " tokens, found " +
                                        std::to_string(metadata[key].size()));
  return metadata[key];
}

void readTokens(const Json& metadata, const std::string& origin, Vocabulary& vocabulary) {
  const std::string key = kPrefix + "tokens";
  if (!metadata.contains(key) || !metadata[key].is_array() || metadata[key].empty())
    base::throwJsonType(metadata, key, "an array of strings", origin);
  base::checkLimit(metadata[key].size(), limits::kTokens, "tokens", origin + ": '" + key + "'");
  TokenCheck texts(origin + ": '" + key + "'");
  for (const Json& token : metadata[key]) {
    if (!token.is_string())
      base::throwJsonType(metadata, key, "an array of strings", origin);
    texts.check(std::ssize(vocabulary.tokens), token.get_ref<const std::string&>());
    vocabulary.tokens.push_back(token.get_ref<const std::string&>());
  }
  vocabulary.types.assign(vocabulary.tokens.size(), TokenType::Normal);
  if (!metadata.contains(kPrefix + "token_type"))
    return;
  size_t id = 0;
  for (const Json& type : arrayOf(metadata, "token_type", vocabulary.tokens.size(), origin)) {
    // 0 is "undefined" in ggml's enum and is treated like a normal token.
    if (!type.is_number_integer() || type.get<int64_t>() < 0 || type.get<int64_t>() > 6)
      throw Error(ErrorCode::Corrupt, origin + ": 'tokenizer.ggml.token_type': token " + std::to_string(id) +
                                          ": expected 0 to 6, found " + base::briefJson(type));
    const auto value = type.get<int32_t>();
    vocabulary.types[id++] = value == 0 ? TokenType::Normal : static_cast<TokenType>(value);
  }
}

void readScores(const Json& metadata, const std::string& origin, Vocabulary& vocabulary) {
  size_t id = 0;
  for (const Json& score : arrayOf(metadata, "scores", vocabulary.tokens.size(), origin)) {
    if (!score.is_number() || !std::isfinite(score.get<float>()))
      throw Error(ErrorCode::Corrupt, origin + ": 'tokenizer.ggml.scores': token " + std::to_string(id) +
                                          ": expected a finite number, found " + base::briefJson(score));
    vocabulary.scores.push_back(score.get<float>());
    ++id;
  }
}

TokenId readId(const Json& metadata, const std::string& name, TokenId fallback, const std::string& origin,
               const Vocabulary& vocabulary) {
  const std::string key = kPrefix + name;
  const auto size = static_cast<int64_t>(vocabulary.tokens.size());
  const auto id = base::optional<int64_t>(metadata, key, fallback < size ? fallback : -1, origin);
  // Some converters write 2^32 - 1 for "none".
  if (id == -1 || id == int64_t{UINT32_MAX})
    return -1;
  if (id < 0 || id >= size)
    throw Error(ErrorCode::Corrupt, origin + ": '" + key + "': expected an id below " + std::to_string(size) +
                                        ", found " + std::to_string(id));
  return static_cast<TokenId>(id);
}

void readSpecials(const Json& metadata, bool addBos, const std::string& origin, Vocabulary& vocabulary) {
  const bool isLlama = vocabulary.model == TokenizerModel::SentencePieceBpe;
  vocabulary.bos = readId(metadata, "bos_token_id", isLlama ? 1 : -1, origin, vocabulary);
  vocabulary.eos = readId(metadata, "eos_token_id", isLlama ? 2 : -1, origin, vocabulary);
  vocabulary.unknown = readId(metadata, "unknown_token_id", isLlama ? 0 : -1, origin, vocabulary);
  vocabulary.padding = readId(metadata, "padding_token_id", -1, origin, vocabulary);
  vocabulary.addBos =
      base::optional<bool>(metadata, kPrefix + "add_bos_token", addBos, origin) && vocabulary.bos >= 0;
  vocabulary.addEos = base::optional<bool>(metadata, kPrefix + "add_eos_token",
                                           vocabulary.model == TokenizerModel::Unigram, origin) &&
                      vocabulary.eos >= 0;
  vocabulary.addSpacePrefix = base::optional<bool>(metadata, kPrefix + "add_space_prefix",
                                                   vocabulary.model != TokenizerModel::ByteLevelBpe, origin);
}

void setSurroundings(BpeModel& model) {
  if (model.vocabulary.addBos)
    model.prefix = {model.vocabulary.bos};
  if (model.vocabulary.addEos)
    model.suffix = {model.vocabulary.eos};
}

void readMerges(const Json& metadata, const std::string& origin, BpeModel& model, base::Budget& budget) {
  const std::string key = kPrefix + "merges";
  if (!metadata.contains(key) || !metadata[key].is_array())
    base::throwJsonType(metadata, key, "an array of strings", origin);
  const std::string where = origin + ": '" + key + "'";
  base::checkLimit(metadata[key].size(), limits::kMerges, "merges", where);
  const TokenIndex index = indexTokens(model.vocabulary);
  uint32_t rank = 0;
  for (const Json& merge : metadata[key]) {
    const std::string_view text =
        merge.is_string() ? merge.get_ref<const std::string&>() : std::string_view();
    budget.step(64 + text.size(), key);
    // The first character is never the separator: like in llama.cpp, a token may itself begin with a space.
    const size_t blank = text.find(' ', 1);
    if (blank == std::string_view::npos || blank + 1 >= text.size())
      throw Error(ErrorCode::Corrupt, where + ": expected \"left right\", found " + base::briefJson(merge));
    addMerge(text.substr(0, blank), text.substr(blank + 1), rank++, index, where, model.merges);
    model.vocabulary.merges.emplace_back(text);
  }
}

std::shared_ptr<const Tokenizer> makeByteLevel(const Json& metadata, const std::string& origin,
                                               Vocabulary vocabulary, base::Budget& budget) {
  vocabulary.pre = base::optional<std::string>(metadata, kPrefix + "pre", "default", origin);
  const PreType& pre = preTypeNamed(vocabulary.pre, origin);
  readSpecials(metadata, pre.addBos, origin, vocabulary);
  BpeModel model;
  model.origin = origin;
  model.vocabulary = std::move(vocabulary);
  for (const std::string& pattern : pre.patterns)
    model.preTokenizer.add({pattern}, origin);
  readMerges(metadata, origin, model, budget);
  setByteTokens(indexTokens(model.vocabulary), model);
  if (pre.ignoreMerges)
    setWholeWords(model);
  addSpecialTokens(model);
  setSurroundings(model);
  return std::make_shared<const BpeTokenizer>(std::move(model));
}

/// Returns the bytes of "precompiled_charsmap"; empty if absent.
std::string readCharsMap(const Json& metadata, const std::string& origin) {
  const std::string key = kPrefix + "precompiled_charsmap";
  const auto map = metadata.find(key);
  std::string bytes;
  if (map == metadata.end())
    return bytes;
  if (!map->is_array())
    base::throwJsonType(metadata, key, "an array of bytes", origin);
  base::checkLimit(map->size(), limits::kCharsMapBytes, "bytes in a table of replacements",
                   origin + ": '" + key + "'");
  for (const Json& byte : *map) {
    if (!byte.is_number_integer() || byte.get<int64_t>() < -128 || byte.get<int64_t>() > 255)
      throw Error(ErrorCode::Corrupt,
                  origin + ": '" + key + "': expected bytes, found " + base::briefJson(byte));
    bytes += static_cast<char>(static_cast<uint8_t>(byte.get<int64_t>()));
  }
  return bytes;
}

std::shared_ptr<const Tokenizer> makeUnigram(const Json& metadata, const std::string& origin,
                                             Vocabulary vocabulary, base::Budget& budget) {
  vocabulary.pre = "default";
  readSpecials(metadata, false, origin, vocabulary);
  BpeModel model;
  model.origin = origin;
  model.byteLevel = false;
  model.fuseUnknown = true;
  vocabulary.charsMap = readCharsMap(metadata, origin);
  vocabulary.collapseSpaces =
      base::optional<bool>(metadata, kPrefix + "remove_extra_whitespaces", false, origin);
  auto rules = std::make_shared<SentencepieceRules>();
  if (!vocabulary.charsMap.empty())
    rules->charsMap = std::make_shared<const CharsMap>(vocabulary.charsMap,
                                                       origin + ": '" + kPrefix + "precompiled_charsmap'");
  rules->collapseSpaces = vocabulary.collapseSpaces;
  // With remove_extra_whitespaces llama.cpp adds a space before every word, whatever add_space_prefix is, and
  // never before a text that has only spaces.
  rules->addPrefix = vocabulary.addSpacePrefix || vocabulary.collapseSpaces;
  rules->addPrefixToBlanks = false;
  model.normalizer.add(std::shared_ptr<const SentencepieceRules>(std::move(rules)), origin);
  auto unigram = std::make_shared<Unigram>();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::Normal || vocabulary.types[id] == TokenType::UserDefined ||
        vocabulary.types[id] == TokenType::Unused) {
      budget.step(16 * vocabulary.tokens[id].size(), "tokenizer.ggml.tokens");
      unigram->add(vocabulary.tokens[id], static_cast<TokenId>(id), vocabulary.scores[id],
                   vocabulary.types[id] == TokenType::Normal);
    }
  model.unigram = std::move(unigram);
  model.vocabulary = std::move(vocabulary);
  setByteTokens(indexTokens(model.vocabulary), model);
  addSpecialTokens(model);
  setSurroundings(model);
  return std::make_shared<const BpeTokenizer>(std::move(model));
}

TokenizerModel modelNamed(const std::string& name, const std::string& origin) {
  for (const TokenizerModel model :
       {TokenizerModel::SentencePieceBpe, TokenizerModel::ByteLevelBpe, TokenizerModel::Unigram})
    if (name == ggufName(model))
      return model;
  throw Error(ErrorCode::NotSupported, origin +
                                           ": 'tokenizer.ggml.model': expected llama, gpt2 or t5, found '" +
                                           base::foreignText(name, 80) + "'");
}

} // namespace

std::string_view ggufName(TokenizerModel model) {
  switch (model) {
  case TokenizerModel::ByteLevelBpe:
    return "gpt2";
  case TokenizerModel::Unigram:
    return "t5";
  case TokenizerModel::SentencePieceBpe:
    break;
  }
  return "llama";
}

bool isNamedPhi3(std::string_view generalName) {
  std::string name(generalName);
  std::ranges::transform(name, name.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return name.find("phi-3") != std::string::npos || name.find("phi3") != std::string::npos;
}

std::vector<TokenId> rstripTokensOfPhi3(const Vocabulary& vocabulary) {
  std::vector<TokenId> ids;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const TokenType type = vocabulary.types[id];
    const std::string& token = vocabulary.tokens[id];
    const bool isSpecial =
        type == TokenType::Control || type == TokenType::UserDefined || type == TokenType::Unknown;
    if (isSpecial && token != "<unk>" && token != "<s>" && token != "<|endoftext|>")
      ids.push_back(static_cast<TokenId>(id));
  }
  return ids;
}

std::shared_ptr<const Tokenizer> makeScoreTokenizer(Vocabulary vocabulary, const std::string& origin,
                                                    base::Budget& budget) {
  BpeModel model;
  model.origin = origin;
  model.vocabulary = std::move(vocabulary);
  model.byteLevel = false;
  model.fuseUnknown = true; // like sentencepiece; llama.cpp assumes that byte tokens exist
  setByteTokens(indexTokens(model.vocabulary), model);
  setCharacterTokens(model);
  addMergesFromScores(model, budget);
  addSpecialTokens(model);
  setSurroundings(model);
  model.normalizer.add(Normalizer::Replace{" ", std::string(kBlankSymbol)}, origin);
  if (model.vocabulary.addSpacePrefix)
    model.normalizer.add(Normalizer::Prepend{std::string(kBlankSymbol)}, origin);
  return std::make_shared<const BpeTokenizer>(std::move(model));
}

std::shared_ptr<const Tokenizer> readGgufVocabulary(const checkpoint::Checkpoint& checkpoint,
                                                    base::Budget& budget) {
  const std::string origin = checkpoint.path.string();
  const Json& metadata = checkpoint.config;
  if (!metadata.contains(kPrefix + "model"))
    throw Error(ErrorCode::NotFound, origin + ": it has no vocabulary ('tokenizer.ggml.model' is missing)");
  Vocabulary vocabulary;
  vocabulary.model = modelNamed(base::required<std::string>(metadata, kPrefix + "model", origin), origin);
  readTokens(metadata, origin, vocabulary);
  if (const auto name = metadata.find("general.name");
      name != metadata.end() && name->is_string() && isNamedPhi3(name->get<std::string>()))
    vocabulary.rstripTokens = rstripTokensOfPhi3(vocabulary);
  if (vocabulary.model == TokenizerModel::ByteLevelBpe)
    return makeByteLevel(metadata, origin, std::move(vocabulary), budget);
  vocabulary.pre = "default";
  readScores(metadata, origin, vocabulary);
  if (vocabulary.model == TokenizerModel::Unigram)
    return makeUnigram(metadata, origin, std::move(vocabulary), budget);
  readSpecials(metadata, true, origin, vocabulary);
  return makeScoreTokenizer(std::move(vocabulary), origin, budget);
}

} // namespace nibblesmith::tokenizer
