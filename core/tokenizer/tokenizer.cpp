// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.hpp"

#include "tokenizer/gguf_vocabulary.hpp"
#include "tokenizer/sentencepiece_tokenizer.hpp"
#include "tokenizer/tiktoken.hpp"
#include "tokenizer/tokenizer_json.hpp"

namespace nibblesmith::tokenizer {

std::shared_ptr<const Tokenizer> loadTokenizer(const checkpoint::Checkpoint& checkpoint) {
  if (checkpoint.format == checkpoint::Format::Gguf)
    return readGgufVocabulary(checkpoint);
  const auto has = [&](const char* name) { return base::fileExists(checkpoint.path / name); };
  if (has("tokenizer.model"))
    return makeSentencepieceTokenizer(checkpoint, checkpoint.path / "tokenizer.model");
  if (has("tokenizer.json"))
    return readTokenizerJson(checkpoint.path / "tokenizer.json", checkpoint.config);
  if (has("vocab.json") && has("merges.txt"))
    return readVocabAndMerges(checkpoint.path, checkpoint.config);
  if (has("qwen.tiktoken"))
    return readTiktoken(checkpoint.path / "qwen.tiktoken", checkpoint.config);
  throw base::Error(
      base::ErrorCode::NotFound,
      "no tokenizer in '" + checkpoint.path.string() +
          "': looked for tokenizer.model, tokenizer.json, vocab.json with merges.txt, qwen.tiktoken");
}

} // namespace nibblesmith::tokenizer
