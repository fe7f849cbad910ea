// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.hpp"

#include "checkpoint/language_part.hpp"
#include "tokenizer/gguf_vocabulary.hpp"
#include "tokenizer/limits.hpp"
#include "tokenizer/sentencepiece_tokenizer.hpp"
#include "tokenizer/tiktoken.hpp"
#include "tokenizer/tokenizer_json.hpp"

namespace nibblesmith::tokenizer {

std::shared_ptr<const Tokenizer> loadTokenizer(const checkpoint::Checkpoint& checkpoint,
                                               const std::stop_token& stop) {
  const std::filesystem::path& directory = checkpoint.path;
  const auto budgetFor = [&](const std::filesystem::path& file) {
    return base::Budget(file.string(), kOpeningLimits, stop);
  };
  const auto has = [&](const char* name) { return base::fileExists(directory / name); };
  if (checkpoint.format == checkpoint::Format::Gguf) {
    base::Budget budget = budgetFor(checkpoint.path);
    return readGgufVocabulary(checkpoint, budget);
  }
  if (has("tokenizer.model")) {
    base::Budget budget = budgetFor(directory / "tokenizer.model");
    return readSentencepiece(directory / "tokenizer.model", checkpoint.config, budget);
  }
  if (has("tokenizer.json")) {
    base::Budget budget = budgetFor(directory / "tokenizer.json");
    return readTokenizerJson(directory / "tokenizer.json", checkpoint.config, budget);
  }
  if (has("vocab.json") && has("merges.txt")) {
    base::Budget budget = budgetFor(directory / "merges.txt");
    return readVocabAndMerges(directory, checkpoint.config, budget);
  }
  if (has("qwen.tiktoken")) {
    base::Budget budget = budgetFor(directory / "qwen.tiktoken");
    return readTiktoken(directory / "qwen.tiktoken", checkpoint.config, budget);
  }
  throw base::Error(
      base::ErrorCode::NotFound,
      "no tokenizer in '" + checkpoint.path.string() +
          "': looked for tokenizer.model, tokenizer.json, vocab.json with merges.txt, qwen.tiktoken");
}

std::shared_ptr<const Tokenizer> openTokenizer(const std::filesystem::path& path,
                                               const std::stop_token& stop) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored))
    return loadTokenizer(*checkpoint::openCheckpoint(path, stop), stop);
  checkpoint::Checkpoint files;
  files.path = path;
  files.format = checkpoint::Format::HuggingFace;
  files.config = base::Json::object();
  if (const auto config = path / "config.json"; base::fileExists(config))
    files.config = base::readJsonFile(config, stop);
  if (checkpoint::hasLanguagePart(files))
    checkpoint::reduceToLanguageModel(files);
  return loadTokenizer(files, stop);
}

} // namespace nibblesmith::tokenizer
