// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.hpp"
#include "base/json.hpp"
#include "export/sentencepiece_file.hpp"
#include "test_data.hpp"

#include <filesystem>
#include <functional>
#include <random>

namespace nibblesmith::test {

/// The 64 tokens of the golden models of tests/golden/model: three special ones, the blank, and 60
/// characters.
inline tokenizer::Vocabulary goldenVocabulary() {
  tokenizer::Vocabulary result;
  result.model = "llama";
  result.pre = "default";
  const auto add = [&](const std::string& token, float score, tokenizer::TokenType type) {
    result.tokens.push_back(token);
    result.scores.push_back(score);
    result.types.push_back(type);
  };
  add("<unk>", 0, tokenizer::TokenType::Unknown);
  add("<s>", 0, tokenizer::TokenType::Control);
  add("</s>", 0, tokenizer::TokenType::Control);
  add("▁", -1, tokenizer::TokenType::Normal);
  for (int i = 4; i < 64; ++i)
    add(std::string(1, static_cast<char>('=' + i)), static_cast<float>(-i), tokenizer::TokenType::Normal);
  result.unknown = 0;
  result.bos = 1;
  result.eos = 2;
  result.addBos = true;
  return result;
}

/// Text of characters of goldenVocabulary(), one token each.
inline std::string goldenText(size_t length) {
  std::mt19937 random(5);
  std::string text;
  while (text.size() < length)
    text.push_back(static_cast<char>('A' + random() % 58));
  return text;
}

/// A golden model with a tokenizer beside it, its configuration changed where asked for.
inline void writeGoldenModel(const std::string& family, const std::filesystem::path& directory,
                             const std::function<void(base::Json&)>& change = {}) {
  std::filesystem::create_directories(directory);
  const std::filesystem::path golden = projectFile("tests/golden/model") / family;
  base::Json config = base::readJsonFile(golden / "config.json");
  if (change)
    change(config);
  base::writeFileAtomically(directory / "config.json", config.dump(2));
  std::filesystem::copy_file(golden / "model.safetensors", directory / "model.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  base::writeFileAtomically(directory / "tokenizer.model", exporting::sentencePieceModel(goldenVocabulary()));
  base::writeFileAtomically(
      directory / "tokenizer_config.json",
      R"({"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"})");
}

} // namespace nibblesmith::test
