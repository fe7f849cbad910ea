// SPDX-License-Identifier: Apache-2.0
#include "export/tokenizer_json.hpp"

#include "base/error.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/pre_types.hpp"

#include <algorithm>
#include <functional>

namespace nibblesmith::exporting {

namespace {

using base::Json;
using tokenizer::TokenId;
using tokenizer::TokenType;
using tokenizer::Vocabulary;

Json byteLevel(bool useRegex) {
  return {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", useRegex}};
}

/// Returns the patterns in order, then ByteLevel: the steps of llama.cpp for the pre-tokenizer's name.
Json preTokenizer(const tokenizer::PreType& pre) {
  Json stages = Json::array();
  for (const std::string& pattern : pre.patterns)
    stages.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  stages.push_back(byteLevel(false));
  return {{"type", "Sequence"}, {"pretokenizers", stages}};
}

bool valid(const Vocabulary& vocabulary, TokenId id) {
  return id >= 0 && static_cast<size_t>(id) < vocabulary.tokens.size();
}

bool isAdded(TokenType type) {
  return type == TokenType::Control || type == TokenType::UserDefined || type == TokenType::Unknown;
}

/// Returns one token in the form of tokenizer.json's "added_tokens" and tokenizer_config.json's
/// "added_tokens_decoder".
Json addedToken(const Vocabulary& vocabulary, size_t id, const std::string& content) {
  const bool stripsRight = std::ranges::binary_search(vocabulary.rstripTokens, static_cast<TokenId>(id));
  return {{"content", content},  {"single_word", false},
          {"lstrip", false},     {"rstrip", stripsRight},
          {"normalized", false}, {"special", vocabulary.types[id] != TokenType::UserDefined}};
}

void forEachAddedToken(const Vocabulary& vocabulary, const std::function<void(size_t)>& apply) {
  for (size_t id = 0; id < vocabulary.types.size() && id < vocabulary.tokens.size(); ++id)
    if (isAdded(vocabulary.types[id]))
      apply(id);
}

Json addedTokens(const Vocabulary& vocabulary) {
  Json added = Json::array();
  forEachAddedToken(vocabulary, [&](size_t id) {
    Json token = addedToken(vocabulary, id, vocabulary.tokens[id]);
    token["id"] = id;
    added.push_back(std::move(token));
  });
  return added;
}

/// Returns the tokens that are matched in texts, which tokenizer.model does not specify. Its user-defined
/// pieces have space symbols.
Json addedTokensDecoder(const Vocabulary& vocabulary) {
  Json decoder = Json::object();
  forEachAddedToken(vocabulary, [&](size_t id) {
    const std::string& token = vocabulary.tokens[id];
    const bool isUserDefined = vocabulary.types[id] == TokenType::UserDefined;
    decoder[std::to_string(id)] =
        addedToken(vocabulary, id, isUserDefined ? tokenizer::withBlankSymbols(token) : token);
  });
  return decoder;
}

/// Returns true if the token has the name that readers give to an id missing in the file.
bool isPadding(const Vocabulary& vocabulary, size_t id) {
  return id < vocabulary.types.size() && vocabulary.types[id] == TokenType::Unused &&
         vocabulary.tokens[id] == "[PAD" + std::to_string(id) + "]";
}

Json postProcessor(const Vocabulary& vocabulary) {
  const bool bos = vocabulary.addBos && valid(vocabulary, vocabulary.bos);
  const bool eos = vocabulary.addEos && valid(vocabulary, vocabulary.eos);
  if (!bos && !eos)
    return {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}, {"use_regex", true}};
  Json special = Json::object();
  const auto mark = [&](TokenId id) {
    const std::string& token = vocabulary.tokens[static_cast<size_t>(id)];
    special[token] = {{"id", token}, {"ids", Json::array({id})}, {"tokens", Json::array({token})}};
    return Json{{"SpecialToken", {{"id", token}, {"type_id", 0}}}};
  };
  const auto around = [&](const Json& inner) {
    Json sequence = Json::array();
    if (bos)
      sequence.push_back(mark(vocabulary.bos));
    sequence.insert(sequence.end(), inner.begin(), inner.end());
    if (eos)
      sequence.push_back(mark(vocabulary.eos));
    return sequence;
  };
  const Json a = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json b = {{"Sequence", {{"id", "B"}, {"type_id", 0}}}};
  Json single = around(Json::array({a}));
  Json pair = around(Json::array({a, b}));
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

} // namespace

Json tokenizerJson(const Vocabulary& vocabulary) {
  if (vocabulary.model != tokenizer::TokenizerModel::ByteLevelBpe)
    throw base::Error(base::ErrorCode::NotSupported,
                      "tokenizer.json: expected a byte-level BPE vocabulary (gpt2), found '" +
                          std::string(tokenizer::ggufName(vocabulary.model)) + "'");
  const tokenizer::PreType& pre = tokenizer::preTypeNamed(vocabulary.pre, "tokenizer.json");
  Json vocab = Json::object();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (!isPadding(vocabulary, id))
      vocab[vocabulary.tokens[id]] = id;
  const Json model = {{"type", "BPE"},
                      {"dropout", nullptr},
                      {"unk_token", nullptr},
                      {"continuing_subword_prefix", nullptr},
                      {"end_of_word_suffix", nullptr},
                      {"fuse_unk", false},
                      {"byte_fallback", false},
                      {"ignore_merges", pre.ignoreMerges},
                      {"vocab", vocab},
                      {"merges", vocabulary.merges}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", addedTokens(vocabulary)},
          {"normalizer", nullptr},
          {"pre_tokenizer", preTokenizer(pre)},
          {"post_processor", postProcessor(vocabulary)},
          {"decoder", byteLevel(true)},
          {"model", model}};
}

Json tokenizerConfigJson(const Vocabulary& vocabulary, const std::string& chatTemplate) {
  const bool sentencePiece = vocabulary.model != tokenizer::TokenizerModel::ByteLevelBpe;
  Json config = {{"tokenizer_class", sentencePiece ? "LlamaTokenizer" : "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false},
                 {"add_bos_token", vocabulary.addBos},
                 {"add_eos_token", vocabulary.addEos}};
  if (sentencePiece) {
    config["legacy"] = false;
    config["add_prefix_space"] = vocabulary.addSpacePrefix;
    config["added_tokens_decoder"] = addedTokensDecoder(vocabulary);
  }
  const auto name = [&](const char* key, TokenId id) {
    if (valid(vocabulary, id))
      config[key] = vocabulary.tokens[static_cast<size_t>(id)];
  };
  name("bos_token", vocabulary.bos);
  name("eos_token", vocabulary.eos);
  name("unk_token", vocabulary.unknown);
  name("pad_token", vocabulary.padding);
  if (!chatTemplate.empty())
    config["chat_template"] = chatTemplate;
  return config;
}

} // namespace nibblesmith::exporting
