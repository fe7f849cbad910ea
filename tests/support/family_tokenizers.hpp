// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.hpp"
#include "base/json.hpp"
#include "export/sentencepiece_file.hpp"
#include "test_data.hpp"
#include "tokenizer/sentencepiece_model.hpp"

#include <filesystem>

namespace nibblesmith::test {

/// Small tokenizers with the files, token types and flags of the families' published ones. Vocabularies are
/// those of tests/golden/tokenizer. The ids of BOS and the end tokens are for config.json.
struct FamilyTokenizer {
  int64_t size = 0; ///< number of tokens
  tokenizer::TokenId bos = -1;
  std::vector<tokenizer::TokenId> ends;
};

/// Returns one entry of "added_tokens" or "added_tokens_decoder".
inline base::Json addedToken(const std::string& content, bool special = true, bool stripsRight = false,
                             bool normalized = false) {
  return {{"content", content},    {"single_word", false},     {"lstrip", false},
          {"rstrip", stripsRight}, {"normalized", normalized}, {"special", special}};
}

inline void writeJson(const std::filesystem::path& path, const base::Json& json) {
  base::writeFileAtomically(path, json.dump(1));
}

/// Returns the tokenizer.json of a byte-level vocabulary of 458 tokens, followed by the added tokens.
inline base::Json byteLevelJson(const std::vector<base::Json>& added, const base::Json& normalizer,
                                const base::Json& preTokenizer) {
  base::Json json = base::readJsonFile(projectFile("tests/golden/tokenizer/byte_level/tokenizer.json"));
  json["added_tokens"] = base::Json::array();
  for (base::Json token : added) {
    token["id"] = json["model"]["vocab"].size() + json["added_tokens"].size();
    json["added_tokens"].push_back(token);
  }
  json["normalizer"] = normalizer;
  json["pre_tokenizer"] = preTokenizer;
  json["post_processor"] = {{"type", "ByteLevel"}, {"trim_offsets", false}};
  return json;
}

inline base::Json byteLevelStep(bool useRegex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", useRegex}};
}

/// Returns a pre-tokenizer with a regular expression before ByteLevel, like in Llama 3 and Qwen.
inline base::Json splitAndBytes(const std::string& pattern) {
  const base::Json split = {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}};
  return {{"type", "Sequence"}, {"pretokenizers", {split, byteLevelStep(false)}}};
}

/// Writes vocab.json and merges.txt of a tokenizer.json.
inline void writeVocabAndMerges(const base::Json& json, const std::filesystem::path& directory) {
  writeJson(directory / "vocab.json", json["model"]["vocab"]);
  std::string merges = "#version: 0.2\n";
  for (const base::Json& merge : json["model"]["merges"])
    merges += merge.is_string() ? merge.get<std::string>() + "\n"
                                : merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  base::writeFileAtomically(directory / "merges.txt", merges);
}

inline base::Json decoderOf(const base::Json& tokenizerJson) {
  base::Json decoder = base::Json::object();
  for (const base::Json& token : tokenizerJson["added_tokens"]) {
    decoder[std::to_string(token["id"].get<int64_t>())] = token;
    decoder[std::to_string(token["id"].get<int64_t>())].erase("id");
  }
  return decoder;
}

inline FamilyTokenizer writeLlama3Tokenizer(const std::filesystem::path& directory) {
  base::Json json = byteLevelJson(
      {addedToken("<|begin_of_text|>"), addedToken("<|end_of_text|>"), addedToken("<|eom_id|>"),
       addedToken("<|eot_id|>"), addedToken("<|start_header_id|>"), addedToken("<|end_header_id|>")},
      nullptr,
      splitAndBytes(
          R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
          R"(\s*[\r\n]+|\s+(?!\S)|\s+)"));
  json["model"]["ignore_merges"] = true;
  json["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single",
       {{{"SpecialToken", {{"id", "<|begin_of_text|>"}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  writeJson(directory / "tokenizer.json", json);
  writeJson(directory / "tokenizer_config.json",
            {{"tokenizer_class", "PreTrainedTokenizerFast"},
             {"bos_token", "<|begin_of_text|>"},
             {"eos_token", "<|eot_id|>"},
             {"chat_template", "{{ bos_token }}{% for m in messages %}<|start_header_id|>{% endfor %}"}});
  writeJson(directory / "generation_config.json", {{"eos_token_id", {459, 460, 461}}});
  return {464, 458, {459, 460, 461}};
}

inline base::Json qwenJson() {
  return byteLevelJson(
      {addedToken("<|endoftext|>"), addedToken("<|im_start|>"), addedToken("<|im_end|>"),
       addedToken("<think>", false), addedToken("</think>", false)},
      {{"type", "NFC"}},
      splitAndBytes(
          R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
          R"(\s*[\r\n]+|\s+(?!\S)|\s+)"));
}

/// Writes Qwen 2's tokenizer as vocab.json and merges.txt, or Qwen 3's as tokenizer.json.
inline FamilyTokenizer writeQwenTokenizer(const std::filesystem::path& directory, bool asOneFile) {
  const base::Json json = qwenJson();
  if (asOneFile)
    writeJson(directory / "tokenizer.json", json);
  else
    writeVocabAndMerges(json, directory);
  writeJson(directory / "tokenizer_config.json", {{"tokenizer_class", "Qwen2Tokenizer"},
                                                  {"add_bos_token", false},
                                                  {"bos_token", nullptr},
                                                  {"eos_token", "<|im_end|>"},
                                                  {"pad_token", "<|endoftext|>"},
                                                  {"added_tokens_decoder", decoderOf(json)},
                                                  {"chat_template", "<|im_start|>{{ messages }}<|im_end|>"}});
  writeJson(directory / "generation_config.json", {{"eos_token_id", {460, 458}}});
  return {463, 458, {460, 458}};
}

inline FamilyTokenizer writeQwen1Tokenizer(const std::filesystem::path& directory) {
  std::filesystem::copy_file(projectFile("tests/golden/tokenizer/tiktoken/qwen.tiktoken"),
                             directory / "qwen.tiktoken", std::filesystem::copy_options::overwrite_existing);
  writeJson(directory / "tokenizer_config.json", {{"tokenizer_class", "QWenTokenizer"}});
  writeJson(directory / "generation_config.json", {{"chat_format", "chatml"}, {"eos_token_id", 458}});
  return {666, -1, {458}};
}

inline FamilyTokenizer writeGpt2Tokenizer(const std::filesystem::path& directory) {
  base::Json json = byteLevelJson({}, nullptr, byteLevelStep(true));
  json["model"]["vocab"]["<|endoftext|>"] = 458;
  writeVocabAndMerges(json, directory);
  return {459, 458, {458}};
}

/// Writes GPT-NeoX's tokenizer, in which runs of spaces are added tokens.
inline FamilyTokenizer writeNeoxTokenizer(const std::filesystem::path& directory) {
  writeJson(directory / "tokenizer.json",
            byteLevelJson({addedToken("<|endoftext|>"), addedToken("<|padding|>"),
                           addedToken("      ", false), addedToken("    ", false), addedToken("  ", false)},
                          {{"type", "NFC"}}, byteLevelStep(true)));
  writeJson(directory / "tokenizer_config.json", {{"tokenizer_class", "GPTNeoXTokenizer"},
                                                  {"bos_token", "<|endoftext|>"},
                                                  {"eos_token", "<|endoftext|>"},
                                                  {"unk_token", "<|endoftext|>"}});
  return {463, 458, {458}};
}

inline FamilyTokenizer writePhi2Tokenizer(const std::filesystem::path& directory) {
  writeJson(directory / "tokenizer.json",
            byteLevelJson({addedToken("<|endoftext|>"), addedToken("    ", false, false, true),
                           addedToken("  ", false, false, true), addedToken("\t\t", false, false, true)},
                          nullptr, byteLevelStep(true)));
  writeJson(directory / "tokenizer_config.json", {{"tokenizer_class", "CodeGenTokenizer"},
                                                  {"bos_token", "<|endoftext|>"},
                                                  {"eos_token", "<|endoftext|>"},
                                                  {"unk_token", "<|endoftext|>"}});
  return {462, 458, {458}};
}

inline void erasePieces(tokenizer::Vocabulary& vocabulary, std::ptrdiff_t begin, std::ptrdiff_t end) {
  vocabulary.tokens.erase(vocabulary.tokens.begin() + begin, vocabulary.tokens.begin() + end);
  vocabulary.scores.erase(vocabulary.scores.begin() + begin, vocabulary.scores.begin() + end);
  vocabulary.types.erase(vocabulary.types.begin() + begin, vocabulary.types.begin() + end);
}

/// Returns the vocabulary of a tokenizer.model without its accompanying files.
inline tokenizer::Vocabulary piecesOf(const std::filesystem::path& model) {
  return tokenizer::readSentencepieceModel(base::readTextFile(model), model.string()).vocabulary;
}

/// Returns the pieces of a sentencepiece model of 420 tokens: <unk>, <s>, </s>, the bytes, and pieces with
/// scores.
inline tokenizer::Vocabulary goldenPieces() {
  tokenizer::Vocabulary vocabulary =
      piecesOf(projectFile("tests/golden/tokenizer/sentencepiece/tokenizer.model"));
  erasePieces(vocabulary, 3, 4); // <sep>, user-defined
  return vocabulary;
}

inline void insertPiece(tokenizer::Vocabulary& vocabulary, size_t at, const std::string& token,
                        tokenizer::TokenType type) {
  const auto offset = static_cast<std::ptrdiff_t>(at);
  vocabulary.tokens.insert(vocabulary.tokens.begin() + offset, token);
  vocabulary.scores.insert(vocabulary.scores.begin() + offset, 0.0f);
  vocabulary.types.insert(vocabulary.types.begin() + offset, type);
}

/// Writes the tokenizer of Llama 2, or of Mistral with its instruction markers as control pieces.
inline FamilyTokenizer writeLlama2Tokenizer(const std::filesystem::path& directory, bool hasInstructions) {
  tokenizer::Vocabulary vocabulary = goldenPieces();
  if (hasInstructions) {
    insertPiece(vocabulary, 3, "[INST]", tokenizer::TokenType::Control);
    insertPiece(vocabulary, 4, "[/INST]", tokenizer::TokenType::Control);
  }
  base::writeFileAtomically(directory / "tokenizer.model", exporting::sentencePieceModel(vocabulary));
  base::Json decoder = {{"0", addedToken("<unk>")}, {"1", addedToken("<s>")}, {"2", addedToken("</s>")}};
  if (hasInstructions)
    decoder.update({{"3", addedToken("[INST]")}, {"4", addedToken("[/INST]")}});
  writeJson(directory / "tokenizer_config.json", {{"tokenizer_class", "LlamaTokenizer"},
                                                  {"add_bos_token", true},
                                                  {"add_eos_token", false},
                                                  {"bos_token", "<s>"},
                                                  {"eos_token", "</s>"},
                                                  {"unk_token", "<unk>"},
                                                  {"added_tokens_decoder", decoder},
                                                  {"chat_template", "{{ bos_token }}[INST] {{ messages }}"}});
  return {std::ssize(vocabulary.tokens), 1, {2}};
}

/// Writes Gemma's tokenizer: control tokens, runs of line breaks and spaces as user-defined pieces, no space
/// prefix.
inline FamilyTokenizer writeGemmaTokenizer(const std::filesystem::path& directory) {
  using tokenizer::TokenType;
  tokenizer::Vocabulary vocabulary = goldenPieces();
  erasePieces(vocabulary, 0, 3);
  base::Json decoder = base::Json::object();
  size_t next = 0;
  const auto add = [&](const std::string& token, TokenType type) {
    decoder[std::to_string(next)] = addedToken(token, type != TokenType::UserDefined);
    insertPiece(vocabulary, next++, token, type);
  };
  for (const char* token : {"<pad>", "<eos>", "<bos>"})
    add(token, TokenType::Control);
  add("<unk>", TokenType::Unknown);
  for (const char* token : {"<mask>", "<unused0>", "<start_of_turn>", "<end_of_turn>"})
    add(token, TokenType::Control);
  for (const char* token : {"\n", "\n\n", "▁▁", "▁▁▁", "<table>"})
    add(token, TokenType::UserDefined);
  vocabulary.padding = 0;
  vocabulary.eos = 1;
  vocabulary.bos = 2;
  vocabulary.unknown = 3;
  vocabulary.addSpacePrefix = false;
  base::writeFileAtomically(directory / "tokenizer.model", exporting::sentencePieceModel(vocabulary));
  writeJson(directory / "tokenizer_config.json",
            {{"tokenizer_class", "GemmaTokenizer"},
             {"add_bos_token", true},
             {"bos_token", "<bos>"},
             {"eos_token", "<eos>"},
             {"pad_token", "<pad>"},
             {"unk_token", "<unk>"},
             {"added_tokens_decoder", decoder},
             {"chat_template", "{{ bos_token }}<start_of_turn>{{ messages }}<end_of_turn>"}});
  writeJson(directory / "generation_config.json", {{"eos_token_id", {1, 7}}});
  return {std::ssize(vocabulary.tokens), 2, {1, 7}};
}

/// Writes Phi-3's tokenizer, whose chat tokens remove the white space after them; no BOS. As tokenizer.json,
/// or as tokenizer.model with added tokens.
inline FamilyTokenizer writePhi3Tokenizer(const std::filesystem::path& directory, bool asOneFile) {
  base::Json json = base::readJsonFile(projectFile("tests/golden/tokenizer/characters/tokenizer.json"));
  tokenizer::Vocabulary vocabulary = goldenPieces();
  int64_t next = asOneFile ? std::ssize(json["model"]["vocab"]) : std::ssize(vocabulary.tokens);
  const int64_t end = next + 1;
  json["added_tokens"] = base::Json::array();
  const auto add = [&](int64_t id, base::Json token) {
    token["id"] = id;
    json["added_tokens"].push_back(token);
  };
  add(0, addedToken("<unk>"));
  add(1, addedToken("<s>"));
  add(2, addedToken("</s>", false, true));
  add(next++, addedToken("<|endoftext|>"));
  for (const char* token : {"<|end|>", "<|assistant|>", "<|user|>"})
    add(next++, addedToken(token, true, true));
  json["post_processor"] = {{"type", "TemplateProcessing"}, {"single", {{{"Sequence", {{"id", "A"}}}}}}};
  if (asOneFile)
    writeJson(directory / "tokenizer.json", json);
  else
    base::writeFileAtomically(directory / "tokenizer.model", exporting::sentencePieceModel(vocabulary));
  writeJson(directory / "tokenizer_config.json",
            {{"tokenizer_class", "LlamaTokenizer"},
             {"add_bos_token", false},
             {"bos_token", "<s>"},
             {"eos_token", "<|endoftext|>"},
             {"unk_token", "<unk>"},
             {"added_tokens_decoder", decoderOf(json)},
             {"chat_template", "<|user|>\n{{ messages }}<|end|>\n<|assistant|>\n"}});
  return {next, 1, {static_cast<tokenizer::TokenId>(end - 1), static_cast<tokenizer::TokenId>(end)}};
}

/// Writes a unigram tokenizer.model that replaces characters and collapses spaces.
inline FamilyTokenizer writeUnigramModel(const std::filesystem::path& directory) {
  std::filesystem::copy_file(
      projectFile("tests/golden/tokenizer/sentencepiece_unigram_rules/tokenizer.model"),
      directory / "tokenizer.model", std::filesystem::copy_options::overwrite_existing);
  writeJson(directory / "tokenizer_config.json",
            {{"tokenizer_class", "LlamaTokenizer"}, {"bos_token", "<s>"}, {"eos_token", "</s>"}});
  return {std::ssize(piecesOf(directory / "tokenizer.model").tokens), 1, {2}};
}

/// Writes a unigram tokenizer.json with byte fallback.
inline FamilyTokenizer writeUnigramJson(const std::filesystem::path& directory) {
  const base::Json golden = base::readJsonFile(projectFile("tests/golden/tokenizer/components.json"));
  for (const base::Json& entry : golden.at("cases"))
    if (entry.at("name") == "unigram, bytes") {
      writeJson(directory / "tokenizer.json", entry.at("tokenizer"));
      writeJson(directory / "tokenizer_config.json", {{"tokenizer_class", "PreTrainedTokenizerFast"},
                                                      {"bos_token", "<s>"},
                                                      {"eos_token", "</s>"},
                                                      {"unk_token", "<unk>"}});
      return {std::ssize(entry.at("tokenizer").at("model").at("vocab")), 1, {2}};
    }
  return {};
}

} // namespace nibblesmith::test
