// SPDX-License-Identifier: Apache-2.0
#include "export/gguf_metadata.hpp"

#include "base/error.hpp"
#include "export/tokenizer_files.hpp"

#include <algorithm>
#include <unordered_set>

namespace nibblesmith::exporting {

namespace {

constexpr float kPaddingScore = -10000.0f;
constexpr uint32_t kQuantizationVersion = 2;

uint32_t u32(int64_t value) { return static_cast<uint32_t>(value); }

/// Of llama.cpp's llama_ftype.
uint32_t fileType(GgufType type) {
  switch (type) {
  case GgufType::Q4_0: return 2;
  case GgufType::Q4_1: return 3;
  case GgufType::Q8_0: return 7;
  case GgufType::F16: break;
  }
  return 1;
}

std::string modelName(const checkpoint::Checkpoint& source) {
  if (const auto provenance = readProvenance(source.path))
    return provenance->sourceName;
  const std::filesystem::path whole = std::filesystem::absolute(source.path).lexically_normal();
  const std::filesystem::path named = whole.has_filename() ? whole : whole.parent_path();
  return source.format == checkpoint::Format::Gguf ? named.stem().string() : named.filename().string();
}

void addHyperparameters(GgufWriter& writer, const model::ModelConfig& config) {
  writer.add("llama.vocab_size", u32(config.vocabularySize));
  writer.add("llama.context_length", u32(config.maxPositions));
  writer.add("llama.embedding_length", u32(config.hiddenSize));
  writer.add("llama.block_count", u32(config.numLayers));
  writer.add("llama.feed_forward_length", u32(config.intermediateSize));
  writer.add("llama.rope.dimension_count", u32(config.headDim));
  writer.add("llama.rope.freq_base", config.ropeTheta);
  writer.add("llama.attention.head_count", u32(config.numHeads));
  writer.add("llama.attention.head_count_kv", u32(config.numKeyValueHeads));
  writer.add("llama.attention.layer_norm_rms_epsilon", config.normEpsilon);
  if (config.headDim * config.numHeads != config.hiddenSize) {
    writer.add("llama.attention.key_length", u32(config.headDim));
    writer.add("llama.attention.value_length", u32(config.headDim));
  }
}

void addTokenizer(GgufWriter& writer, const model::Model& model, const tokenizer::Vocabulary& vocabulary) {
  writer.add("tokenizer.ggml.model", vocabulary.model);
  writer.add("tokenizer.ggml.pre", vocabulary.pre.empty() ? std::string("default") : vocabulary.pre);
  writer.add("tokenizer.ggml.tokens", vocabulary.tokens);
  if (!vocabulary.scores.empty())
    writer.add("tokenizer.ggml.scores", vocabulary.scores);
  std::vector<int32_t> types;
  types.reserve(vocabulary.types.size());
  for (const tokenizer::TokenType type : vocabulary.types)
    types.push_back(static_cast<int32_t>(type));
  writer.add("tokenizer.ggml.token_type", types);
  if (vocabulary.model == "gpt2")
    writer.add("tokenizer.ggml.merges", vocabulary.merges);
  const auto id = [&](const char* key, tokenizer::TokenId token) {
    if (token >= 0)
      writer.add(key, u32(token));
  };
  id("tokenizer.ggml.bos_token_id", vocabulary.bos);
  id("tokenizer.ggml.eos_token_id", vocabulary.eos);
  id("tokenizer.ggml.unknown_token_id", vocabulary.unknown);
  id("tokenizer.ggml.padding_token_id", vocabulary.padding);
  // A model may end its turns with another token than its texts.
  const auto& ends = model.config().eos;
  const auto turn = std::find_if(ends.begin(), ends.end(), [&](int32_t token) { return token != vocabulary.eos; });
  if (turn != ends.end())
    id("tokenizer.ggml.eot_token_id", *turn);
  writer.add("tokenizer.ggml.add_bos_token", vocabulary.addBos);
  writer.add("tokenizer.ggml.add_eos_token", vocabulary.addEos);
  if (vocabulary.model == "llama")
    writer.add("tokenizer.ggml.add_space_prefix", vocabulary.addSpacePrefix);
  if (std::string text = chatTemplate(model.checkpoint()); !text.empty())
    writer.add("tokenizer.chat_template", std::move(text));
}

} // namespace

tokenizer::Vocabulary paddedVocabulary(const tokenizer::Vocabulary& vocabulary, int64_t rows) {
  const auto count = static_cast<size_t>(rows);
  if (vocabulary.tokens.size() > count)
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "tokenizer: expected at most " + std::to_string(rows) + " tokens (rows of the embedding), found " +
                          std::to_string(vocabulary.tokens.size()));
  tokenizer::Vocabulary padded = vocabulary;
  padded.types.resize(vocabulary.tokens.size(), tokenizer::TokenType::Normal);
  if (padded.model == "llama")
    padded.scores.resize(vocabulary.tokens.size(), 0.0f);
  for (size_t id = vocabulary.tokens.size(); id < count; ++id) {
    padded.tokens.push_back("[PAD" + std::to_string(id) + "]");
    padded.types.push_back(tokenizer::TokenType::Unused);
    if (!padded.scores.empty())
      padded.scores.push_back(kPaddingScore);
  }
  std::unordered_set<std::string_view> seen;
  for (const std::string& token : padded.tokens)
    if (!seen.insert(token).second)
      throw base::Error(base::ErrorCode::Corrupt, "tokenizer: expected every token once, found '" + token + "' twice");
  return padded;
}

void addMetadata(GgufWriter& writer, const model::Model& model, const tokenizer::Vocabulary& vocabulary, GgufType type) {
  const model::ModelConfig& config = model.config();
  if (config.family != "llama" && config.family != "mistral")
    throw base::Error(base::ErrorCode::NotSupported,
                      "GGUF: expected a model of the family llama or mistral, found '" + config.family + "'");
  writer.add("general.architecture", std::string("llama"));
  writer.add("general.type", std::string("model"));
  writer.add("general.name", modelName(model.checkpoint()));
  writer.add("general.file_type", fileType(type));
  if (type != GgufType::F16)
    writer.add("general.quantization_version", kQuantizationVersion);
  addHyperparameters(writer, config);
  // llama.cpp takes its cache's type from the command line and passes this over.
  if (config.kvCache != model::KvCacheScheme())
    writer.add("nibblesmith.kv_cache", model::toJson(config.kvCache).dump());
  addTokenizer(writer, model, vocabulary);
}

} // namespace nibblesmith::exporting
