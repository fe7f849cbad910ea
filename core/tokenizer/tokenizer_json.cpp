// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer_json.hpp"

#include "tokenizer/limits.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/pipeline_json.hpp"
#include "tokenizer/pre_types.hpp"
#include "tokenizer/special_tokens.hpp"
#include "tokenizer/unigram_steps.hpp"
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

// Rejects options that would change the ids; no published language model sets them.
void refuseUnsupported(const Json& model, const std::string& origin) {
  const Json& type = member(model, "type", origin);
  if (type.is_null() ? !model.contains("merges") : type != "BPE" && type != "Unigram")
    throw Error(ErrorCode::NotSupported,
                origin + ": model.type: expected BPE or Unigram, found " + base::briefJson(type));
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
  base::checkLimit(list.size(), limits::kTokens, "tokens", origin + ": added_tokens");
  for (const Json& entry : list)
    tokens.push_back(readAddedToken(entry, origin));
  return tokens;
}

void fillVocabulary(const Json& vocab, const std::vector<AddedToken>& added, const std::string& unknown,
                    bool byteFallback, const std::string& origin, Vocabulary& vocabulary) {
  const std::string where = origin + ": the vocabulary";
  if (!vocab.is_object())
    throw Error(ErrorCode::Corrupt,
                where + ": expected an object of token to id, found " + vocab.type_name());
  base::checkLimit(vocab.size(), limits::kTokens, "tokens", where);
  VocabularyBuilder builder(where);
  for (const auto& [token, id] : vocab.items()) {
    if (!id.is_number_integer())
      throw Error(ErrorCode::Corrupt,
                  where + ": '" + token.substr(0, 80) + "': expected an id, found " + base::briefJson(id));
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

using Halves = std::pair<std::string_view, std::string_view>;

/// Splits "left right"; returns empty halves if it is malformed.
Halves splitMerge(std::string_view merge) {
  const size_t blank = merge.find(' ');
  if (blank == std::string_view::npos || merge.find(' ', blank + 1) != std::string_view::npos)
    return {};
  return {merge.substr(0, blank), merge.substr(blank + 1)};
}

Halves halvesOf(const Json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return {merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>()};
  return merge.is_string() ? splitMerge(merge.get_ref<const std::string&>()) : Halves();
}

/// Adds merges in rank order.
class MergesReader {
public:
  MergesReader(const std::string& where, BpeModel& model, base::Budget& budget)
      : m_where(where), m_model(model), m_budget(budget), m_index(indexTokens(model.vocabulary)) {}

  /// Adds one merge. found(): returns the source text of the halves, for messages.
  template <typename Found>
  void add(const Halves& halves, Found found) {
    const auto& [left, right] = halves;
    if (left.empty() || right.empty())
      throw Error(ErrorCode::Corrupt,
                  m_where + ": expected \"left right\" or [left, right], found " + found());
    base::checkLimit(m_rank, limits::kMerges - 1, "merges", m_where);
    m_budget.step(64 + left.size() + right.size(), "merges");
    m_ranks.emplace_back(addMerge(left, right, m_rank, m_index, m_where, m_model.merges), m_rank);
    ++m_rank;
    if (m_model.byteLevel)
      m_model.vocabulary.merges.push_back(std::string(left) + " " + std::string(right));
  }
  void finish() {
    if (!m_model.byteLevel)
      setScoresFromMerges(m_ranks, m_model.vocabulary);
  }

private:
  std::string m_where;
  BpeModel& m_model;
  base::Budget& m_budget;
  TokenIndex m_index;
  std::vector<std::pair<TokenId, uint32_t>> m_ranks;
  uint32_t m_rank = 0;
};

// Sets the tokens around a text from the post-processor, unless the config overrides it.
void setSurroundings(const SpecialTokens& special, BpeModel& model, base::Budget& budget) {
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
      !model.byteLevel && model.preparation.apply(model.normalizer.apply("a", true, budget), true, budget)
                              .starts_with(kBlankSymbol);
  vocabulary.addEos = !model.suffix.empty();
}

// tokenizer.json lists its own added tokens; control tokens that it does not list get their type here.
void markControl(const SpecialTokens& special, BpeModel& model) {
  const TokenIndex index = indexTokens(model.vocabulary);
  for (const auto& content : {special.bos, special.eos, special.padding}) {
    const auto found = content ? index.find(*content) : index.end();
    if (found != index.end() &&
        model.vocabulary.types[static_cast<size_t>(found->second)] == TokenType::Normal)
      model.vocabulary.types[static_cast<size_t>(found->second)] = TokenType::Control;
  }
}

void addAddedTokens(const std::vector<AddedToken>& added, BpeModel& model, base::Budget& budget) {
  std::set<TokenId> normalized;
  for (AddedToken token : added) {
    if (token.stripRight)
      model.vocabulary.rstripTokens.push_back(token.id);
    if (!token.normalized || model.normalizer.empty()) {
      model.added.add(token, model.origin);
      continue;
    }
    normalized.insert(token.id);
    token.content = model.normalizer.apply(token.content, true, budget);
    model.addedNormalized.add(token, model.origin);
  }
  std::vector<TokenId>& stripping = model.vocabulary.rstripTokens;
  std::ranges::sort(stripping);
  stripping.erase(std::ranges::unique(stripping).begin(), stripping.end());
  addSpecialTokens(model, normalized);
}

/// Completes the model once the vocabulary and its merges or scores are set.
void finish(const std::vector<AddedToken>& added, const SpecialTokens& special, const Json& config,
            BpeModel& model, base::Budget& budget) {
  setByteTokens(indexTokens(model.vocabulary), model);
  if (!model.byteLevel && !model.unigram)
    setCharacterTokens(model);
  markControl(special, model);
  applySpecialTokens(special, config, model.origin, model.vocabulary);
  addAddedTokens(added, model, budget);
  setSurroundings(special, model, budget);
}

void readMergesText(const std::filesystem::path& path, BpeModel& model, base::Budget& budget) {
  const std::string text = base::readTextFile(path, limits::kMergesFileBytes, budget.stop());
  MergesReader reader(path.string(), model, budget);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (!line.empty() && !(at == 0 && line.starts_with("#version")))
      reader.add(splitMerge(line), [&] { return "'" + std::string(line.substr(0, 80)) + "'"; });
    at = end + 1;
  }
  reader.finish();
}

void readMerges(const Json& modelJson, const std::string& origin, BpeModel& model, base::Budget& budget) {
  const Json& json = member(modelJson, "merges", origin);
  if (!json.is_array())
    base::throwJsonType(modelJson, "merges", "an array", origin + ": model");
  MergesReader reader(origin + ": model.merges", model, budget);
  for (const Json& merge : json)
    reader.add(halvesOf(merge), [&] { return base::briefJson(merge); });
  reader.finish();
}

void readBpe(const Json& modelJson, const std::vector<AddedToken>& added, const std::string& origin,
             BpeModel& model, base::Budget& budget) {
  const auto unknown = base::optional<std::string>(modelJson, "unk_token", "", origin);
  const auto byteFallback = base::optional<bool>(modelJson, "byte_fallback", false, origin);
  model.fuseUnknown = base::optional<bool>(modelJson, "fuse_unk", false, origin);
  fillVocabulary(member(modelJson, "vocab", origin), added, unknown, byteFallback, origin, model.vocabulary);
  const TokenIndex index = indexTokens(model.vocabulary);
  const auto found = index.find(unknown);
  model.vocabulary.unknown = unknown.empty() || found == index.end() ? -1 : found->second;
  model.vocabulary.model = model.byteLevel ? TokenizerModel::ByteLevelBpe : TokenizerModel::SentencePieceBpe;
  const bool ignoreMerges = base::optional<bool>(modelJson, "ignore_merges", false, origin);
  model.vocabulary.pre = model.byteLevel ? nameOfPreType(model.preTokenizer, ignoreMerges) : "default";
  if (ignoreMerges)
    setWholeWords(model);
  readMerges(modelJson, origin, model, budget);
}

/// Reads "vocab": [[piece, score], ...], where the index of a piece is its id.
void readUnigram(const Json& json, const std::vector<AddedToken>& added, const std::string& origin,
                 BpeModel& model, base::Budget& budget) {
  const Json& modelJson = member(json, "model", origin);
  const Json& vocab = member(modelJson, "vocab", origin);
  if (!vocab.is_array())
    base::throwJsonType(modelJson, "vocab", "an array of piece and score", origin + ": model");
  if (model.byteLevel)
    throw Error(ErrorCode::NotSupported,
                origin + ": pre_tokenizer: ByteLevel with a Unigram model is not supported");
  const auto unknown = base::optional<int64_t>(modelJson, "unk_id", -1, origin + ": model");
  const auto byteFallback = base::optional<bool>(modelJson, "byte_fallback", false, origin);
  base::checkLimit(vocab.size(), limits::kTokens, "tokens", origin + ": model.vocab");
  VocabularyBuilder builder(origin + ": model.vocab");
  std::vector<float> scores;
  for (const Json& entry : vocab) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number() ||
        !std::isfinite(entry[1].get<float>()))
      throw Error(ErrorCode::Corrupt, origin + ": model.vocab: expected piece and score as number " +
                                          std::to_string(scores.size()) + ", found " +
                                          base::briefJson(entry));
    const auto id = std::ssize(scores);
    const auto& piece = entry[0].get_ref<const std::string&>();
    budget.step(16 * piece.size(), "model.vocab");
    scores.push_back(entry[1].get<float>());
    const bool isByte = byteFallback && byteOfToken(piece) >= 0;
    builder.set(id, piece, id == unknown ? TokenType::Unknown : isByte ? TokenType::Byte : TokenType::Normal);
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
  // Special tokens are only created by parseSpecial.
  auto unigram = std::make_shared<Unigram>();
  for (size_t id = 0; id < scores.size(); ++id)
    if (const TokenType type = model.vocabulary.types[id];
        type != TokenType::Control && type != TokenType::Unknown)
      unigram->add(model.vocabulary.tokens[id], static_cast<TokenId>(id), scores[id]);
  scores.resize(model.vocabulary.tokens.size(), 0.0f);
  model.vocabulary.scores = std::move(scores);
  model.vocabulary.model = TokenizerModel::Unigram;
  model.vocabulary.pre = "default";
  readUnigramSteps(member(json, "normalizer", origin), member(json, "pre_tokenizer", origin), origin,
                   model.vocabulary);
  model.vocabulary.unknown = unknown < 0 ? -1 : static_cast<TokenId>(unknown);
  model.fuseUnknown = true;
  model.unigram = std::move(unigram);
}

} // namespace

std::shared_ptr<const Tokenizer> readTokenizerJson(const std::filesystem::path& path, const Json& config,
                                                   base::Budget& budget) {
  const std::string origin = path.string();
  const Json json = base::readJsonFile(path, budget.stop());
  const Json& modelJson = member(json, "model", origin);
  refuseUnsupported(modelJson, origin);
  const std::vector<AddedToken> added = readAddedTokens(json, origin);
  BpeModel model;
  model.origin = origin;
  model.normalizer.addFromJson(member(json, "normalizer", origin), origin);
  model.byteLevel = readPreTokenizer(member(json, "pre_tokenizer", origin), origin, model);
  checkDecoder(member(json, "decoder", origin), origin);
  if (member(modelJson, "type", origin) == "Unigram")
    readUnigram(json, added, origin, model, budget);
  else
    readBpe(modelJson, added, origin, model, budget);
  readPostProcessor(member(json, "post_processor", origin), indexTokens(model.vocabulary), origin, model);
  finish(added, readSpecialTokens(path.parent_path(), budget.stop()), config, model, budget);
  return std::make_shared<const BpeTokenizer>(std::move(model));
}

std::shared_ptr<const Tokenizer> readVocabAndMerges(const std::filesystem::path& directory,
                                                    const Json& config, base::Budget& budget) {
  const std::filesystem::path vocabPath = directory / "vocab.json";
  SpecialTokens special = readSpecialTokens(directory, budget.stop());
  const Json vocab = base::readJsonFile(vocabPath, budget.stop());
  BpeModel model;
  model.origin = vocabPath.string();
  model.vocabulary.model = TokenizerModel::ByteLevelBpe;
  const bool isQwen = special.tokenizerClass.starts_with("Qwen2");
  model.preTokenizer.add({isQwen ? kQwen2Pattern : kGpt2Pattern}, vocabPath.string());
  if (isQwen)
    model.normalizer.add(UnicodeForm::Nfc, vocabPath.string());
  model.vocabulary.pre = nameOfPreType(model.preTokenizer, false);
  fillVocabulary(vocab, special.added, {}, false, vocabPath.string(), model.vocabulary);
  // Default of the GPT-2 tokenizer class if no file names its special token.
  constexpr const char* kEndOfText = "<|endoftext|>";
  if (!special.eos && vocab.contains(kEndOfText))
    special.eos = special.bos = kEndOfText;
  readMergesText(directory / "merges.txt", model, budget);
  finish(special.added, special, config, model, budget);
  return std::make_shared<const BpeTokenizer>(std::move(model));
}

} // namespace nibblesmith::tokenizer
