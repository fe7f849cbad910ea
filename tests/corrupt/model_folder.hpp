// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/input_file.hpp"
#include "base/json.hpp"
#include "safetensors_file.hpp"
#include "test_data.hpp"

#include <cstring>
#include <filesystem>
#include <string>

namespace nibblesmith::test {

/// File layouts for copies of the demo model, which a test then damages.
enum class Layout {
  SentencePiece,   ///< model.safetensors, tokenizer.model
  Sharded,         ///< model.safetensors.index.json with one shard
  VocabularyFiles, ///< vocab.json and merges.txt instead of tokenizer.model
  TokenizerJson,   ///< tokenizer.json instead of tokenizer.model
};

inline constexpr const char* kShard = "model-00001-of-00001.safetensors";

inline void writeShardIndex(const std::filesystem::path& folder) {
  const std::string weights = base::readTextFile(folder / kShard);
  uint64_t headerBytes = 0;
  std::memcpy(&headerBytes, weights.data(), sizeof(headerBytes));
  const base::Json header = base::parseJson(std::string_view(weights).substr(8, headerBytes), kShard);
  base::Json index;
  for (const auto& [name, entry] : header.items())
    if (name != "__metadata__")
      index["weight_map"][name] = kShard;
  writeBytes(folder / "model.safetensors.index.json", index.dump());
}

inline void makeModelFolder(Layout layout, const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  fs::create_directories(folder);
  for (const auto& entry : fs::directory_iterator(projectFile("resources/demo/model")))
    writeBytes(folder / entry.path().filename(), base::readTextFile(entry.path()));
  if (layout == Layout::Sharded) {
    fs::rename(folder / "model.safetensors", folder / kShard);
    writeShardIndex(folder);
  }
  if (layout == Layout::VocabularyFiles || layout == Layout::TokenizerJson)
    fs::remove(folder / "tokenizer.model");
  if (layout == Layout::VocabularyFiles) {
    writeBytes(folder / "vocab.json", R"({"<unk>": 0, "<s>": 1, "</s>": 2, "a": 3, "b": 4, "ab": 5})");
    writeBytes(folder / "merges.txt", "#version: 0.2\na b\n");
    writeBytes(folder / "added_tokens.json", "{}");
  }
  if (layout == Layout::TokenizerJson)
    writeBytes(folder / "tokenizer.json",
               base::readTextFile(projectFile("tests/fuzz/corpus/tokenizer_json/bpe")));
}

} // namespace nibblesmith::test
