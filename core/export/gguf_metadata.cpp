// SPDX-License-Identifier: Apache-2.0
#include "export/gguf_metadata.hpp"

#include "base/error.hpp"
#include "base/path_status.hpp"
#include "export/tokenizer_files.hpp"
#include "tokenizer/gguf_vocabulary.hpp"
#include "tokenizer/pieces.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_set>

namespace nibblesmith::exporting {

namespace {

constexpr float kPaddingScore = -10000.0f;
constexpr uint32_t kQuantizationVersion = 2;

uint32_t u32(int64_t value) { return static_cast<uint32_t>(value); }

/// Returns the value of llama.cpp's llama_ftype.
uint32_t fileType(GgufType type) {
  switch (type) {
  case GgufType::Q4_0:
    return 2;
  case GgufType::Q4_1:
    return 3;
  case GgufType::Q8_0:
    return 7;
  case GgufType::F16:
    break;
  }
  return 1;
}

std::string modelName(const checkpoint::Checkpoint& source) {
  if (const auto provenance = readProvenance(source.path))
    return provenance->sourceName;
  const std::filesystem::path whole = base::absolutePath(source.path);
  const std::filesystem::path named = whole.has_filename() ? whole : whole.parent_path();
  return source.format == checkpoint::Format::Gguf ? named.stem().string() : named.filename().string();
}

/// Returns general.name. llama.cpp recognizes only by this name that special tokens remove the white space
/// after them, as in Phi-3.
std::string nameInGguf(const checkpoint::Checkpoint& source, const tokenizer::Vocabulary& vocabulary) {
  const std::string name = modelName(source);
  const bool isPhi3 = !vocabulary.rstripTokens.empty() &&
                      vocabulary.rstripTokens == tokenizer::rstripTokensOfPhi3(vocabulary);
  return isPhi3 && !tokenizer::isNamedPhi3(name) ? name + " (Phi-3)" : name;
}

/// Returns true if all frequencies have the same divisor, which GGUF stores as one number.
bool isLinear(const model::Rotary& rotary) {
  return !rotary.divisors.empty() &&
         std::all_of(rotary.divisors.begin(), rotary.divisors.end(),
                     [&](float divisor) { return divisor == rotary.divisors.front(); });
}

class Hyperparameters {
public:
  Hyperparameters(GgufWriter& writer, const model::Model& model)
      : m_writer(writer), m_model(model), m_prefix(std::string(model.family().ggufTypes.front()) + ".") {}

  void add(const model::ModelConfig& config) {
    set("vocab_size", u32(config.vocabularySize));
    set("context_length", u32(config.maxPositions));
    set("embedding_length", u32(config.hiddenSize));
    set("block_count", u32(config.numLayers));
    set("feed_forward_length", u32(config.intermediateSize * m_model.family().ggufFeedForwardFactor));
    set("attention.head_count", u32(config.numHeads));
    set("attention.head_count_kv", u32(config.numKeyValueHeads));
    set(config.norm.kind == model::Norm::Kind::Rms ? "attention.layer_norm_rms_epsilon"
                                                   : "attention.layer_norm_epsilon",
        config.norm.epsilon);
    if (config.headDim * config.numHeads != config.hiddenSize) {
      set("attention.key_length", u32(config.headDim));
      set("attention.value_length", u32(config.headDim));
    }
    if (config.norm.kind == model::Norm::Kind::Layer)
      set("use_parallel_residual", config.parallelBranches);
    if (config.attentionSoftCap > 0)
      set("attn_logit_softcapping", config.attentionSoftCap);
    if (config.finalSoftCap > 0)
      set("final_logit_softcapping", config.finalSoftCap);
    if (config.attention.back().window > 0)
      addWindow(config);
    addRotary(config);
  }

private:
  void set(const char* key, GgufValue value) { m_writer.add(m_prefix + key, std::move(value)); }

  void addWindow(const model::ModelConfig& config) {
    set("attention.sliding_window", u32(config.attention.back().window));
    std::vector<int32_t> isLocal, usual;
    for (int64_t layer = 0; layer < config.numLayers; ++layer) {
      isLocal.push_back(config.attentionKind(layer).window > 0);
      usual.push_back((layer + 1) % m_model.family().ggufWindowPattern != 0);
    }
    if (isLocal != usual)
      set("attention.sliding_window_pattern", isLocal);
  }

  void addRotary(const model::ModelConfig& config) {
    const model::Rotary& rotary = config.rotary();
    if (rotary.dimensions == 0)
      return;
    set("rope.dimension_count", u32(rotary.dimensions));
    set("rope.freq_base", rotary.theta);
    if (rotary.yarn) {
      addYarn(config);
    } else if (rotary.longRope) {
      addLongrope(config);
    } else if (isLinear(rotary)) {
      set("rope.scaling.type", std::string("linear"));
      set("rope.scaling.factor", rotary.divisors.front());
    } else if (!rotary.divisors.empty() && !m_model.family().ggufReadsFrequencies) {
      refuseScaling("custom frequencies");
    }
    if (!rotary.yarn && !rotary.longRope && rotary.magnitude != 1.0f)
      refuseScaling("a factor of cosines and sines");
    if (const model::Rotary& local = config.attention.back().rotary; local.theta != rotary.theta)
      set("rope.freq_base_swa", local.theta);
  }

  [[noreturn]] void refuseScaling(const std::string& what) const {
    throw base::Error(base::ErrorCode::NotSupported,
                      "GGUF: expected a scaling of rotary embeddings that llama.cpp's architecture '" +
                          std::string(m_model.family().ggufTypes.front()) + "' takes from a file, found " +
                          what);
  }

  /// Adds YaRN's keys. Throws if the model differs from the assumptions of llama.cpp's architectures: the
  /// bounds of Peng et al., and local layers scaled like the others. The paper's magnitude is stored as a
  /// factor.
  void addYarn(const model::ModelConfig& config) {
    const model::Rotary& rotary = config.rotary();
    const model::Yarn& yarn = *rotary.yarn;
    const model::Yarn usual{yarn.factor, yarn.originalPositions};
    if (yarn != usual || config.attention.back().rotary != rotary)
      refuseScaling("YaRN with non-default bounds, or not in all layers");
    set("rope.scaling.type", std::string("yarn"));
    set("rope.scaling.factor", yarn.factor);
    set("rope.scaling.original_context_length", u32(yarn.originalPositions));
    const float magnitude = 1.0f + 0.1f * std::log(std::max(1.0f, yarn.factor));
    if (std::abs(rotary.magnitude / magnitude - 1.0f) > 1e-6f)
      set("rope.scaling.attn_factor", rotary.magnitude / magnitude);
  }

  void addLongrope(const model::ModelConfig& config) {
    if (!m_model.family().ggufReadsFrequencies)
      refuseScaling("longrope");
    set("rope.scaling.type", std::string("longrope"));
    set("rope.scaling.original_context_length", u32(config.rotary().longRope->originalPositions));
    set("rope.scaling.attn_factor", config.rotary().magnitude);
  }

  GgufWriter& m_writer;
  const model::Model& m_model;
  std::string m_prefix;
};

/// Throws if the vocabulary differs from the assumptions of llama.cpp's unigram tokenizer
/// (llm_tokenizer_ugm).
void requireStandardUnigram(const tokenizer::Vocabulary& vocabulary) {
  const auto refuse = [](const std::string& found) {
    throw base::Error(
        base::ErrorCode::NotSupported,
        "GGUF: expected a unigram tokenizer as llama.cpp takes it from a tokenizer.model, found " + found);
  };
  if (!vocabulary.unsupportedNormalization.empty())
    refuse(vocabulary.unsupportedNormalization);
  if (vocabulary.collapseSpaces && !vocabulary.addSpacePrefix)
    refuse("one that removes blanks and puts none before a text");
  if (vocabulary.unknown < 0 || vocabulary.eos < 0)
    refuse("one without a token for what is unknown, or for a text's end");
}

void addNormalization(GgufWriter& writer, const tokenizer::Vocabulary& vocabulary) {
  writer.add("tokenizer.ggml.remove_extra_whitespaces", vocabulary.collapseSpaces);
  if (!vocabulary.charsMap.empty())
    writer.add("tokenizer.ggml.precompiled_charsmap",
               std::vector<uint8_t>(vocabulary.charsMap.begin(), vocabulary.charsMap.end()));
}

/// Adds further end tokens. A model may end its turns and messages with other tokens than its texts;
/// llama.cpp has a key for each, and other programs read the list of all.
void addFurtherEnds(GgufWriter& writer, const std::vector<int32_t>& ends, tokenizer::TokenId eos) {
  std::vector<int32_t> further;
  std::ranges::copy_if(ends, std::back_inserter(further), [&](int32_t token) { return token != eos; });
  if (!further.empty())
    writer.add("tokenizer.ggml.eot_token_id", u32(further[0]));
  if (further.size() > 1)
    writer.add("tokenizer.ggml.eom_token_id", u32(further[1]));
  if (further.size() > 2)
    writer.add("tokenizer.ggml.eos_token_ids", ends);
}

void addTokenizer(GgufWriter& writer, const model::Model& model, const tokenizer::Vocabulary& vocabulary) {
  if (vocabulary.model == tokenizer::TokenizerModel::Unigram)
    requireStandardUnigram(vocabulary);
  writer.add("tokenizer.ggml.model", std::string(tokenizer::ggufName(vocabulary.model)));
  writer.add("tokenizer.ggml.pre", vocabulary.pre.empty() ? std::string("default") : vocabulary.pre);
  writer.add("tokenizer.ggml.tokens", vocabulary.tokens);
  if (!vocabulary.scores.empty())
    writer.add("tokenizer.ggml.scores", vocabulary.scores);
  std::vector<int32_t> types;
  types.reserve(vocabulary.types.size());
  for (const tokenizer::TokenType type : vocabulary.types)
    types.push_back(static_cast<int32_t>(type));
  writer.add("tokenizer.ggml.token_type", types);
  if (vocabulary.model == tokenizer::TokenizerModel::ByteLevelBpe)
    writer.add("tokenizer.ggml.merges", vocabulary.merges);
  const auto id = [&](const char* key, tokenizer::TokenId token) {
    if (token >= 0)
      writer.add(key, u32(token));
  };
  id("tokenizer.ggml.bos_token_id", vocabulary.bos);
  id("tokenizer.ggml.eos_token_id", vocabulary.eos);
  id("tokenizer.ggml.unknown_token_id", vocabulary.unknown);
  id("tokenizer.ggml.padding_token_id", vocabulary.padding);
  addFurtherEnds(writer, model.config().eos, vocabulary.eos);
  writer.add("tokenizer.ggml.add_bos_token", vocabulary.addBos);
  writer.add("tokenizer.ggml.add_eos_token", vocabulary.addEos);
  if (vocabulary.model != tokenizer::TokenizerModel::ByteLevelBpe)
    writer.add("tokenizer.ggml.add_space_prefix", vocabulary.addSpacePrefix);
  if (vocabulary.model == tokenizer::TokenizerModel::Unigram)
    addNormalization(writer, vocabulary);
  if (std::string text = chatTemplate(model.checkpoint()); !text.empty())
    writer.add("tokenizer.chat_template", std::move(text));
}

} // namespace

tokenizer::Vocabulary vocabularyInGguf(const tokenizer::Vocabulary& vocabulary, int64_t rows) {
  const auto count = static_cast<size_t>(rows);
  if (vocabulary.tokens.size() > count)
    throw base::Error(base::ErrorCode::InvalidArgument, "tokenizer: expected at most " +
                                                            std::to_string(rows) +
                                                            " tokens (rows of the embedding), found " +
                                                            std::to_string(vocabulary.tokens.size()));
  tokenizer::Vocabulary padded = vocabulary;
  padded.types.resize(vocabulary.tokens.size(), tokenizer::TokenType::Normal);
  if (padded.model != tokenizer::TokenizerModel::ByteLevelBpe) {
    padded.scores.resize(vocabulary.tokens.size(), 0.0f);
    for (size_t id = 0; id < padded.tokens.size(); ++id)
      if (padded.types[id] == tokenizer::TokenType::UserDefined)
        padded.tokens[id] = tokenizer::withBlanks(padded.tokens[id]);
  }
  for (size_t id = vocabulary.tokens.size(); id < count; ++id) {
    padded.tokens.push_back("[PAD" + std::to_string(id) + "]");
    padded.types.push_back(tokenizer::TokenType::Unused);
    if (!padded.scores.empty())
      padded.scores.push_back(kPaddingScore);
  }
  std::unordered_set<std::string_view> seen;
  for (const std::string& token : padded.tokens)
    if (!seen.insert(token).second)
      throw base::Error(base::ErrorCode::Corrupt,
                        "tokenizer: expected every token once, found '" + token + "' twice");
  return padded;
}

bool hasLengthDependentAttention(const model::ModelConfig& config) {
  return config.logNAttentionFrom > 0 || config.rotary().dynamicNtk;
}

model::ModelConfig ggufRepresentableConfig(const model::Model& model) {
  model::ModelConfig config = model.config();
  if (config.activation == model::Activation::Gelu)
    config.activation = model::Activation::GeluTanh;
  if (hasLengthDependentAttention(config))
    config.maxPositions = config.unscaledPositions();
  config.logNAttentionFrom = 0;
  for (model::AttentionKind& kind : config.attention)
    kind.rotary.dynamicNtk.reset();
  if (model.family().ggufWindowPattern > 0)
    return config;
  for (model::AttentionKind& kind : config.attention)
    if (std::exchange(kind.window, 0) > 0)
      config.maxPositions = std::min(config.maxPositions, model.config().attention.back().window);
  config.attention.resize(1);
  config.attentionOfLayer.clear();
  return config;
}

std::vector<std::pair<const char*, std::vector<float>>> frequencyTensors(const model::ModelConfig& config) {
  const model::Rotary& rotary = config.rotary();
  if (rotary.longRope)
    return {{"rope_factors_long.weight", rotary.longRope->divisors},
            {"rope_factors_short.weight", rotary.divisors}};
  if (rotary.yarn || rotary.divisors.empty() || isLinear(rotary))
    return {};
  return {{"rope_freqs.weight", rotary.divisors}};
}

const char* ggufName(const model::Family& family, model::LinearRole role) {
  return std::find_if(family.linears.begin(), family.linears.end(),
                      [&](const auto& entry) { return entry.role == role; })
      ->names.gguf;
}

const char* ggufName(const model::Family& family, model::NormRole role) {
  return std::find_if(family.norms.begin(), family.norms.end(),
                      [&](const auto& entry) { return entry.role == role; })
      ->names.gguf;
}

/// Throws if the attention scale is not the usual one, since GGUF has no field for it.
void requireStandardAttentionScale(const model::Model& model) {
  model::ModelConfig usual = model.config();
  const auto ofArchitecture = model.family().ggufAttentionScale;
  usual.attentionScale = ofArchitecture ? ofArchitecture(usual) : 0.0f;
  if (std::abs(usual.scoreScale() / model.config().scoreScale() - 1.0f) > 1e-6f)
    throw base::Error(base::ErrorCode::NotSupported,
                      "GGUF: attention scale: expected " + std::to_string(usual.scoreScale()) +
                          ", which llama.cpp's architecture '" +
                          std::string(model.family().ggufTypes.front()) + "' takes for granted, found " +
                          std::to_string(model.config().scoreScale()));
}

void addMetadata(GgufWriter& writer, const model::Model& model, const tokenizer::Vocabulary& vocabulary,
                 GgufType type) {
  const model::Family& family = model.family();
  if (family.ggufTypes.empty())
    throw base::Error(base::ErrorCode::NotSupported,
                      "GGUF: expected a model of a family that llama.cpp knows, found '" +
                          std::string(family.name) + "'");
  requireStandardAttentionScale(model);
  const model::ModelConfig config = ggufRepresentableConfig(model);
  writer.add("general.architecture", std::string(family.ggufTypes.front()));
  writer.add("general.type", std::string("model"));
  writer.add("general.name", nameInGguf(model.checkpoint(), vocabulary));
  writer.add("general.file_type", fileType(type));
  if (type != GgufType::F16)
    writer.add("general.quantization_version", kQuantizationVersion);
  Hyperparameters(writer, model).add(config);
  // llama.cpp takes its cache type from the command line and ignores this key.
  if (config.kvCache != model::KvCacheScheme())
    writer.add("nibblesmith.kv_cache", model::toJson(config.kvCache).dump());
  addTokenizer(writer, model, vocabulary);
}

} // namespace nibblesmith::exporting
