// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/sentencepiece_tokenizer.hpp"

#include "base/file.hpp"
#include "tokenizer/limits.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/sentencepiece_model.hpp"
#include "tokenizer/special_tokens.hpp"
#include "tokenizer/vocabulary_builder.hpp"

#include <limits>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;

void setRules(const SentencepieceModel& file, BpeModel& model) {
  const Vocabulary& vocabulary = file.vocabulary;
  auto rules = std::make_shared<SentencepieceRules>();
  if (!vocabulary.charsMap.empty())
    rules->charsMap = std::make_shared<const CharsMap>(
        vocabulary.charsMap, model.origin + ": normalizer_spec: precompiled_charsmap");
  rules->addPrefix = vocabulary.addSpacePrefix;
  rules->collapseSpaces = vocabulary.collapseSpaces;
  rules->escapeBlanks = file.escapeBlanks;
  rules->spaceAsSuffix = file.spaceAsSuffix;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::UserDefined)
      rules->kept.add(vocabulary.tokens[id], static_cast<int32_t>(id));
  model.normalizer.add(std::shared_ptr<const SentencepieceRules>(std::move(rules)), model.origin);
}

/// Sets up BPE. Merges do not cross user-defined pieces, wherever they are in the normalized text.
void setBpe(BpeModel& model, base::Budget& budget) {
  const Vocabulary& vocabulary = model.vocabulary;
  setCharacterTokens(model);
  addMergesFromScores(model, budget);
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::UserDefined) {
      AddedToken piece;
      piece.id = static_cast<TokenId>(id);
      piece.content = vocabulary.tokens[id];
      model.addedNormalized.add(piece, model.origin);
    }
}

void setUnigram(BpeModel& model, base::Budget& budget) {
  const Vocabulary& vocabulary = model.vocabulary;
  // The library starts with this value, so `best` is never negative.
  double best = std::numeric_limits<float>::min();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::Normal)
      best = std::max(best, static_cast<double>(vocabulary.scores[id]));
  auto unigram = std::make_shared<Unigram>(Unigram::Sums::F32);
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& piece = vocabulary.tokens[id];
    const TokenType type = vocabulary.types[id];
    if (type != TokenType::Normal && type != TokenType::UserDefined)
      continue;
    budget.step(16 * piece.size(), "pieces");
    // A user-defined piece scores better than any segmentation of its text.
    const double score = type == TokenType::Normal ? static_cast<double>(vocabulary.scores[id])
                                                   : static_cast<double>(piece.size()) * best - 0.1;
    unigram->add(piece, static_cast<TokenId>(id), score, type == TokenType::Normal);
  }
  model.unigram = std::move(unigram);
}

void setBytes(bool byteFallback, BpeModel& model) {
  model.byteTokens.fill(-1);
  const Vocabulary& vocabulary = model.vocabulary;
  for (size_t id = 0; byteFallback && id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::Byte)
      model.byteTokens[static_cast<size_t>(byteOfToken(vocabulary.tokens[id]))] = static_cast<TokenId>(id);
}

/// Adds tokens listed in other files. Tokens added after training get ids after the model's pieces; existing
/// pieces only change their type. Tokens that are not special are matched in any text, like user-defined
/// pieces.
void addTokens(const std::vector<AddedToken>& added, BpeModel& model) {
  Vocabulary& vocabulary = model.vocabulary;
  const std::string where = model.origin + ": added token ";
  std::map<TokenId, AddedToken> byId;
  for (const AddedToken& token : added)
    byId[token.id] = token;
  TokenCheck texts(model.origin + ": added tokens");
  for (const auto& [id, token] : byId) {
    const auto size = vocabulary.tokens.size();
    const auto at = static_cast<size_t>(id);
    if (at < size) {
      if (vocabulary.tokens[at] != token.content)
        throw Error(ErrorCode::Corrupt, where + std::to_string(id) + " is '" + token.content.substr(0, 80) +
                                            "', tokenizer.model has '" + vocabulary.tokens[at].substr(0, 80) +
                                            "' there");
      TokenType& type = vocabulary.types[at];
      if (type == TokenType::Normal || (type == TokenType::Control && !token.special))
        type = token.special ? TokenType::Control : TokenType::UserDefined;
    } else if (at == size) {
      texts.check(id, token.content);
      vocabulary.tokens.push_back(token.content);
      vocabulary.scores.push_back(0.0f);
      vocabulary.types.push_back(token.special ? TokenType::Control : TokenType::UserDefined);
    } else {
      throw Error(ErrorCode::Corrupt, where + "'" + token.content.substr(0, 80) + "' has the id " +
                                          std::to_string(id) + ", expected " + std::to_string(size));
    }
    model.added.add(token, model.origin);
    if (token.stripRight)
      vocabulary.rstripTokens.push_back(id);
  }
}

/// Adds control pieces and the unknown piece as special tokens, even if no other file lists them.
void addSpecialPieces(BpeModel& model) {
  const Vocabulary& vocabulary = model.vocabulary;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (vocabulary.types[id] != TokenType::Control && vocabulary.types[id] != TokenType::Unknown)
      continue;
    AddedToken special;
    special.id = static_cast<TokenId>(id);
    special.content = vocabulary.tokens[id];
    special.special = true;
    model.added.add(special, model.origin);
  }
}

void setSurroundings(const SpecialTokens& special, BpeModel& model) {
  Vocabulary& vocabulary = model.vocabulary;
  vocabulary.addBos = special.addBos.value_or(true) && vocabulary.bos >= 0;
  vocabulary.addEos = special.addEos.value_or(false) && vocabulary.eos >= 0;
  if (vocabulary.addBos)
    model.prefix = {vocabulary.bos};
  if (vocabulary.addEos)
    model.suffix = {vocabulary.eos};
}

} // namespace

std::shared_ptr<const Tokenizer> readSentencepiece(const std::filesystem::path& path,
                                                   const base::Json& config, base::Budget& budget) {
  BpeModel model;
  model.origin = path.string();
  model.byteLevel = false;
  model.fuseUnknown = true;
  SentencepieceModel file =
      readSentencepieceModel(base::readTextFile(path, limits::kModelFileBytes, budget.stop()), model.origin);
  setRules(file, model);
  model.vocabulary = std::move(file.vocabulary);
  setBytes(file.byteFallback, model);
  if (model.vocabulary.model == TokenizerModel::Unigram)
    setUnigram(model, budget);
  else
    setBpe(model, budget);
  const SpecialTokens special = readSpecialTokens(path.parent_path(), budget.stop());
  addTokens(special.added, model);
  addSpecialPieces(model);
  applySpecialTokens(special, config, model.origin, model.vocabulary);
  setSurroundings(special, model);
  return std::make_shared<const BpeTokenizer>(std::move(model));
}

} // namespace nibblesmith::tokenizer
