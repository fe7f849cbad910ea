// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer_json.hpp"

#include "tokenizer/pieces.hpp"
#include "tokenizer/pipeline_json.hpp"
#include "tokenizer/pre_types.hpp"
#include "tokenizer/special_tokens.hpp"
#include "tokenizer/vocabulary_builder.hpp"

#include "base/file.hpp"

#include <algorithm>

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

// Options that would change the ids and that no BPE language model's file sets.
void refuseUnsupported(const Json& model, const std::string& origin) {
  const Json& type = member(model, "type", origin);
  if (type.is_null() ? !model.contains("merges") : type != "BPE")
    throw Error(ErrorCode::NotSupported,
                origin + ": model.type: expected BPE, found " + type.dump().substr(0, 80));
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
  vocabulary.addSpacePrefix = !model.byteLevel && model.normalizer.apply("a", true).starts_with(kBlankSymbol);
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

void finish(const std::vector<AddedToken>& added, const SpecialTokens& special, const Json& config,
            const std::vector<std::pair<std::string, std::string>>& merges, const std::string& origin,
            BpeModel& model) {
  addMerges(merges, origin, model);
  setByteTokens(indexTokens(model.vocabulary), model);
  if (!model.byteLevel)
    setCharacterTokens(model);
  markControl(special, model);
  applySpecialTokens(special, config, model.vocabulary);
  for (const AddedToken& token : added)
    model.added.add(token);
  addSpecialTokens(model);
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

} // namespace

std::shared_ptr<const Tokenizer> readTokenizerJson(const std::filesystem::path& path, const Json& config) {
  const std::string origin = path.string();
  const Json json = base::readJsonFile(path);
  const Json& modelJson = member(json, "model", origin);
  refuseUnsupported(modelJson, origin);
  const std::vector<AddedToken> added = readAddedTokens(json, origin);
  const auto unknown = base::optional<std::string>(modelJson, "unk_token", "", origin);
  const auto byteFallback = base::optional<bool>(modelJson, "byte_fallback", false, origin);

  BpeModel model;
  model.fuseUnknown = base::optional<bool>(modelJson, "fuse_unk", false, origin);
  model.normalizer.addFromJson(member(json, "normalizer", origin), origin);
  model.byteLevel = readPreTokenizer(member(json, "pre_tokenizer", origin), origin, model);
  fillVocabulary(member(modelJson, "vocab", origin), added, unknown, byteFallback, origin, model.vocabulary);
  const TokenIndex index = indexTokens(model.vocabulary);
  const auto found = index.find(unknown);
  model.vocabulary.unknown = unknown.empty() || found == index.end() ? -1 : found->second;
  model.vocabulary.model = model.byteLevel ? "gpt2" : "llama";
  const bool ignoreMerges = base::optional<bool>(modelJson, "ignore_merges", false, origin);
  model.vocabulary.pre = model.byteLevel ? nameOfPreType(model.preTokenizer, ignoreMerges) : "default";
  if (ignoreMerges && model.byteLevel)
    setWholeWords(model);
  readPostProcessor(member(json, "post_processor", origin), index, origin, model);

  const Json& mergesJson = member(modelJson, "merges", origin);
  if (!mergesJson.is_array())
    base::throwJsonType(modelJson, "merges", "an array", origin + ": model");
  std::vector<std::pair<std::string, std::string>> merges;
  for (const Json& merge : mergesJson)
    merges.push_back(splitMerge(merge, origin));
  finish(added, readSpecialTokens(path.parent_path()), config, merges, origin, model);
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
  model.vocabulary.pre = nameOfPreType(model.preTokenizer, false);
  fillVocabulary(vocab, special.added, {}, false, vocabPath.string(), model.vocabulary);
  // What the tokenizer class of GPT-2 takes where no file names its special token.
  constexpr const char* kEndOfText = "<|endoftext|>";
  if (!special.eos && vocab.contains(kEndOfText))
    special.eos = special.bos = kEndOfText;
  finish(special.added, special, config, readMergesText(directory / "merges.txt"),
         (directory / "merges.txt").string(), model);
  return std::make_shared<const BpeTokenizer>(std::move(model));
}

} // namespace nibblesmith::tokenizer
