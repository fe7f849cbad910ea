// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer_json.hpp"

#include "tokenizer/pieces.hpp"
#include "tokenizer/pipeline_json.hpp"
#include "tokenizer/pre_types.hpp"
#include "tokenizer/special_tokens.hpp"
#include "tokenizer/vocabulary_builder.hpp"

#include "base/file.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

const Json& member(const Json& object, const char* key, const std::string& origin) {
  static const Json kNull;
  if (!object.is_object())
    throw Error(ErrorCode::Corrupt, origin + ": expected a JSON object, found " + object.type_name());
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

// Options that would change the ids and that no language model's file sets.
void refuseUnsupported(const Json& model, const std::string& origin) {
  const Json& type = member(model, "type", origin);
  if (type.is_null() ? !model.contains("merges") : type != "BPE" && type != "Unigram")
    throw Error(ErrorCode::NotSupported,
                origin + ": model.type: expected BPE or Unigram, found " + type.dump().substr(0, 80));
  if (const auto dropout = base::optional<double>(model, "dropout", 0.0, origin); dropout != 0)
    throw Error(ErrorCode::NotSupported, origin + ": model.dropout " + std::to_string(dropout) +
                                             ": expected none, as ids have to be the same every time");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const auto text = base::optional<std::string>(model, key, "", origin); !text.empty())
      throw Error(ErrorCode::NotSupported,
                  origin + ": model." + key + " '" + text.substr(0, 80) + "' is not supported");
}

std::vector<AddedToken> readAddedTokens(const Json& json, const std::string& origin) {
  std::vector<AddedToken> tokens;
  const Json& list = member(json, "added_tokens", origin);
  if (!list.is_null() && !list.is_array())
    base::throwJsonType(json, "added_tokens", "an array", origin);
  for (const Json& entry : list)
    tokens.push_back(readAddedToken(entry, origin));
  return tokens;
}

void fillVocabulary(const Json& vocab, const std::vector<AddedToken>& added, const std::string& unknown,
                    bool byteFallback, const std::string& origin, Vocabulary& vocabulary) {
  if (!vocab.is_object())
    throw Error(ErrorCode::Corrupt,
                origin + ": the vocabulary: expected an object of token to id, found " + vocab.type_name());
  VocabularyBuilder builder(origin);
  for (const auto& [token, id] : vocab.items()) {
    if (!id.is_number_integer())
      base::throwJsonType(vocab, token, "an id", origin + ": the vocabulary");
    const bool isByte = byteFallback && byteOfToken(token) >= 0;
    const bool isUnknown = !unknown.empty() && token == unknown;
    builder.set(id.get<int64_t>(), token,
                isByte      ? TokenType::Byte
                : isUnknown ? TokenType::Unknown
                            : TokenType::Normal);
  }
  for (const AddedToken& token : added) {
    const bool isUnknown = !unknown.empty() && token.content == unknown;
    builder.set(token.id, token.content,
                isUnknown       ? TokenType::Unknown
                : token.special ? TokenType::Control
                                : TokenType::UserDefined);
  }
  builder.fill(vocabulary);
}

std::pair<std::string, std::string> splitMerge(const Json& merge, const std::string& origin) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  if (merge.is_string()) {
    const auto text = merge.get<std::string>();
    const size_t blank = text.find(' ');
    if (blank != std::string::npos && blank > 0 && blank + 1 < text.size() &&
        text.find(' ', blank + 1) == std::string::npos)
      return {text.substr(0, blank), text.substr(blank + 1)};
  }
  throw Error(ErrorCode::Corrupt,
              origin + ": model.merges: expected \"left right\" or [left, right], found " +
                  merge.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80));
}

void addMerges(const std::vector<std::pair<std::string, std::string>>& merges, const std::string& origin,
               BpeModel& model) {
  const TokenIndex index = indexTokens(model.vocabulary);
  std::vector<std::pair<TokenId, uint32_t>> ranks;
  uint32_t rank = 0;
  for (const auto& [left, right] : merges) {
    addMerge(left, right, rank, index, origin, model.merges);
    ranks.emplace_back(index.at(left + right), rank++);
    if (model.byteLevel)
      model.vocabulary.merges.push_back(left + " " + right);
  }
  if (!model.byteLevel)
    setScoresFromMerges(ranks, model.vocabulary);
}

// The tokens that are put around a text, from the post-processor unless the config overrules it.
void setSurroundings(const SpecialTokens& special, BpeModel& model) {
  Vocabulary& vocabulary = model.vocabulary;
  if (vocabulary.bos < 0 && !model.prefix.empty())
    vocabulary.bos = model.prefix.front();
  if (special.addBos == false)
    model.prefix.clear();
  else if (special.addBos == true && model.prefix.empty() && vocabulary.bos >= 0)
    model.prefix = {vocabulary.bos};
  if (special.addEos == false)
    model.suffix.clear();
  else if (special.addEos == true && model.suffix.empty() && vocabulary.eos >= 0)
    model.suffix = {vocabulary.eos};
  vocabulary.addBos = !model.prefix.empty();
  vocabulary.addSpacePrefix =
      !model.byteLevel &&
      model.preparation.apply(model.normalizer.apply("a", true), true).starts_with(kBlankSymbol);
  vocabulary.addEos = !model.suffix.empty();
}

// tokenizer.json lists its own added tokens; what is in the vocabulary without being listed gets its type
// here.
void markControl(const SpecialTokens& special, BpeModel& model) {
  const TokenIndex index = indexTokens(model.vocabulary);
  for (const auto& content : {special.bos, special.eos, special.padding}) {
    const auto found = content ? index.find(*content) : index.end();
    if (found != index.end() &&
        model.vocabulary.types[static_cast<size_t>(found->second)] == TokenType::Normal)
      model.vocabulary.types[static_cast<size_t>(found->second)] = TokenType::Control;
  }
}

void addAddedTokens(const std::vector<AddedToken>& added, BpeModel& model) {
  std::set<TokenId> normalized;
  for (AddedToken token : added) {
    if (!token.normalized || model.normalizer.empty()) {
      model.added.add(token);
      continue;
    }
    normalized.insert(token.id);
    token.content = model.normalizer.apply(token.content, true);
    model.addedNormalized.add(token);
  }
  addSpecialTokens(model, normalized);
}

/// What is left when the vocabulary and its merges or scores are there.
void finish(const std::vector<AddedToken>& added, const SpecialTokens& special, const Json& config,
            BpeModel& model) {
  setByteTokens(indexTokens(model.vocabulary), model);
  if (!model.byteLevel && !model.unigram)
    setCharacterTokens(model);
  markControl(special, model);
  applySpecialTokens(special, config, model.vocabulary);
  addAddedTokens(added, model);
  setSurroundings(special, model);
}

std::vector<std::pair<std::string, std::string>> readMergesText(const std::filesystem::path& path) {
  const std::string text = base::readTextFile(path, uint64_t{256} << 20);
  std::vector<std::pair<std::string, std::string>> merges;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line.ends_with('\r'))
      line.pop_back();
    if (!line.empty() && !(at == 0 && line.starts_with("#version")))
      merges.push_back(splitMerge(Json(line), path.string()));
    at = end + 1;
  }
  return merges;
}

void readMerges(const Json& modelJson, const std::string& origin, BpeModel& model) {
  const Json& json = member(modelJson, "merges", origin);
  if (!json.is_array())
    base::throwJsonType(modelJson, "merges", "an array", origin + ": model");
  std::vector<std::pair<std::string, std::string>> merges;
  for (const Json& merge : json)
    merges.push_back(splitMerge(merge, origin));
  addMerges(merges, origin, model);
}

void readBpe(const Json& modelJson, const std::vector<AddedToken>& added, const std::string& origin,
             BpeModel& model) {
  const auto unknown = base::optional<std::string>(modelJson, "unk_token", "", origin);
  const auto byteFallback = base::optional<bool>(modelJson, "byte_fallback", false, origin);
  model.fuseUnknown = base::optional<bool>(modelJson, "fuse_unk", false, origin);
  fillVocabulary(member(modelJson, "vocab", origin), added, unknown, byteFallback, origin, model.vocabulary);
  const TokenIndex index = indexTokens(model.vocabulary);
  const auto found = index.find(unknown);
  model.vocabulary.unknown = unknown.empty() || found == index.end() ? -1 : found->second;
  model.vocabulary.model = model.byteLevel ? "gpt2" : "llama";
  const bool ignoreMerges = base::optional<bool>(modelJson, "ignore_merges", false, origin);
  model.vocabulary.pre = model.byteLevel ? nameOfPreType(model.preTokenizer, ignoreMerges) : "default";
  if (ignoreMerges)
    setWholeWords(model);
  readMerges(modelJson, origin, model);
}

/// "vocab": [[piece, score], ...], the place of a piece being its id.
void readUnigram(const Json& modelJson, const std::vector<AddedToken>& added, const std::string& origin,
                 BpeModel& model) {
  const Json& vocab = member(modelJson, "vocab", origin);
  if (!vocab.is_array())
    base::throwJsonType(modelJson, "vocab", "an array of piece and score", origin + ": model");
  if (model.byteLevel)
    throw Error(ErrorCode::NotSupported,
                origin + ": pre_tokenizer: ByteLevel with a Unigram model is not supported");
  const auto unknown = base::optional<int64_t>(modelJson, "unk_id", -1, origin + ": model");
  const auto byteFallback = base::optional<bool>(modelJson, "byte_fallback", false, origin);
  auto unigram = std::make_shared<Unigram>();
  VocabularyBuilder builder(origin);
  std::vector<float> scores;
  for (const Json& entry : vocab) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number() ||
        !std::isfinite(entry[1].get<float>()))
      throw Error(ErrorCode::Corrupt,
                  origin + ": model.vocab: expected piece and score as number " +
                      std::to_string(scores.size()) + ", found " +
                      entry.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80));
    const auto id = std::ssize(scores);
    const auto piece = entry[0].get<std::string>();
    scores.push_back(entry[1].get<float>());
    const bool isByte = byteFallback && byteOfToken(piece) >= 0;
    builder.set(id, piece, id == unknown ? TokenType::Unknown : isByte ? TokenType::Byte : TokenType::Normal);
    unigram->add(piece, static_cast<TokenId>(id), scores.back());
  }
  if (unknown >= std::ssize(scores))
    throw Error(ErrorCode::Corrupt, origin + ": model.unk_id: expected an id below " +
                                        std::to_string(scores.size()) + ", found " + std::to_string(unknown));
  for (const AddedToken& token : added)
    builder.set(token.id, token.content,
                token.id == unknown ? TokenType::Unknown
                : token.special     ? TokenType::Control
                                    : TokenType::UserDefined);
  builder.fill(model.vocabulary);
  scores.resize(model.vocabulary.tokens.size(), 0.0f);
  model.vocabulary.scores = std::move(scores);
  model.vocabulary.model = "t5";
  model.vocabulary.pre = "default";
  model.vocabulary.unsupportedNormalization = "the steps of a tokenizer.json";
  model.vocabulary.unknown = unknown < 0 ? -1 : static_cast<TokenId>(unknown);
  model.fuseUnknown = true;
  model.unigram = std::move(unigram);
}

} // namespace

std::shared_ptr<const Tokenizer> readTokenizerJson(const std::filesystem::path& path, const Json& config) {
  const std::string origin = path.string();
  const Json json = base::readJsonFile(path);
  const Json& modelJson = member(json, "model", origin);
  refuseUnsupported(modelJson, origin);
  const std::vector<AddedToken> added = readAddedTokens(json, origin);
  BpeModel model;
  model.normalizer.addFromJson(member(json, "normalizer", origin), origin);
  model.byteLevel = readPreTokenizer(member(json, "pre_tokenizer", origin), origin, model);
  checkDecoder(member(json, "decoder", origin), origin);
  if (member(modelJson, "type", origin) == "Unigram")
    readUnigram(modelJson, added, origin, model);
  else
    readBpe(modelJson, added, origin, model);
  readPostProcessor(member(json, "post_processor", origin), indexTokens(model.vocabulary), origin, model);
  finish(added, readSpecialTokens(path.parent_path()), config, model);
  return std::make_shared<const BpeTokenizer>(std::move(model));
}

std::shared_ptr<const Tokenizer> readVocabAndMerges(const std::filesystem::path& directory,
                                                    const Json& config) {
  const std::filesystem::path vocabPath = directory / "vocab.json";
  SpecialTokens special = readSpecialTokens(directory);
  const Json vocab = base::readJsonFile(vocabPath);
  BpeModel model;
  model.vocabulary.model = "gpt2";
  const bool isQwen = special.tokenizerClass.starts_with("Qwen2");
  model.preTokenizer.add({isQwen ? kQwen2Pattern : kGpt2Pattern}, vocabPath.string());
  if (isQwen)
    model.normalizer.add(UnicodeForm::Nfc);
  model.vocabulary.pre = nameOfPreType(model.preTokenizer, false);
  fillVocabulary(vocab, special.added, {}, false, vocabPath.string(), model.vocabulary);
  // What the tokenizer class of GPT-2 takes where no file names its special token.
  constexpr const char* kEndOfText = "<|endoftext|>";
  if (!special.eos && vocab.contains(kEndOfText))
    special.eos = special.bos = kEndOfText;
  addMerges(readMergesText(directory / "merges.txt"), (directory / "merges.txt").string(), model);
  finish(special.added, special, config, model);
  return std::make_shared<const BpeTokenizer>(std::move(model));
}

} // namespace nibblesmith::tokenizer
