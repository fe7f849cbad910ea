// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.hpp"
#include "base/json.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/safetensors_writer.hpp"
#include "export/sentencepiece_file.hpp"
#include "test_data.hpp"

#include <filesystem>
#include <functional>
#include <random>

namespace nibblesmith::test {

/// Returns the 64 tokens of the golden models in tests/golden/model: three special ones, the space, and 60
/// characters.
inline tokenizer::Vocabulary goldenVocabulary() {
  tokenizer::Vocabulary result;
  result.model = tokenizer::TokenizerModel::SentencePieceBpe;
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

/// Returns a text of characters of goldenVocabulary(), one token each.
inline std::string goldenText(size_t length) {
  std::mt19937 random(5);
  std::string text;
  while (text.size() < length)
    text.push_back(static_cast<char>('A' + random() % 58));
  return text;
}

/// Changes a golden model's configuration to one that llama.cpp's architecture computes identically for all
/// lengths: no windows that it lacks, the attention scale of the published models, and LongRoPE's long
/// factors in contexts of more than 256 tokens, like llama.cpp.
inline void asLlamaCppComputes(base::Json& whole) {
  base::Json& config = whole.contains("text_config") ? whole["text_config"] : whole;
  const std::string type = config.at("model_type");
  if (type == "phi3" || type == "mistral")
    config["sliding_window"] = nullptr;
  if (type == "qwen2") {
    config["use_sliding_window"] = false;
    config.erase("layer_types");
  }
  if (config.contains("query_pre_attn_scalar"))
    config["query_pre_attn_scalar"] = config["head_dim"];
  if (config.contains("original_max_position_embeddings")) {
    config["max_position_embeddings"] = 1024;
    config["original_max_position_embeddings"] = 256;
    config["rope_parameters"]["original_max_position_embeddings"] = 256;
  }
}

/// Writes a golden model with `rows` rows of embedding and head: the golden rows, repeated.
inline void writeGoldenWeights(const std::string& family, int64_t rows,
                               const std::filesystem::path& directory) {
  const auto golden = checkpoint::openCheckpoint(projectFile("tests/golden/model") / family);
  std::vector<checkpoint::TensorToWrite> tensors;
  for (const auto& [name, view] : golden->tensors) {
    const bool isPerToken = view.shape.front() == 64 && (name.find("embed") != std::string::npos ||
                                                         name.find("wte") != std::string::npos ||
                                                         name.find("lm_head") != std::string::npos);
    std::vector<int64_t> shape = view.shape;
    const size_t rowBytes = view.bytes.size() / static_cast<size_t>(shape.front());
    if (isPerToken)
      shape.front() = rows;
    tensors.push_back({name, view.dtype, shape, [view, rowBytes, count = shape.front()] {
                         std::vector<std::byte> bytes;
                         for (int64_t row = 0; row < count; ++row) {
                           const auto from = static_cast<size_t>(row % view.shape.front()) * rowBytes;
                           const auto source = view.bytes.subspan(from, rowBytes);
                           bytes.insert(bytes.end(), source.begin(), source.end());
                         }
                         return bytes;
                       }});
  }
  checkpoint::writeSafetensors(directory / "model.safetensors", tensors, {{"format", "pt"}});
}

/// Writes a golden model with a tokenizer and an optionally changed configuration.
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
