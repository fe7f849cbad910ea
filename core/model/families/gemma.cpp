// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "model/config_reader.hpp"
#include "model/config_writer.hpp"
#include "model/families/llama_tables.hpp"
#include "model/rope_scaling.hpp"

#include <array>
#include <cmath>

namespace nibblesmith::model {

namespace {

constexpr std::array<std::string_view, 1> kGemmaTypes = {"gemma"};
constexpr std::array<std::string_view, 1> kGemma2Types = {"gemma2"};
constexpr std::array<std::string_view, 1> kGemma3Types = {"gemma3_text"};
constexpr std::array<std::string_view, 1> kGemma3GgufTypes = {"gemma3"};
constexpr std::array<std::string_view, 1> kGemma3MultimodalTypes = {"gemma3"};

constexpr auto kLinears = llamaLinears(Bias::AttentionFlag, Bias::AttentionFlag, Bias::None);
constexpr std::array<NormEntry, 4> kGemma2Norms = {{
    {NormRole::Attention, {"input_layernorm", "attn_norm"}},
    {NormRole::PostAttention, {"post_attention_layernorm", "post_attention_norm"}},
    {NormRole::Mlp, {"pre_feedforward_layernorm", "ffn_norm"}},
    {NormRole::PostMlp, {"post_feedforward_layernorm", "post_ffw_norm"}},
}};
constexpr std::array<NormEntry, 6> kGemma3Norms = {{
    {NormRole::Attention, {"input_layernorm", "attn_norm"}},
    {NormRole::Query, {"self_attn.q_norm", "attn_q_norm"}},
    {NormRole::Key, {"self_attn.k_norm", "attn_k_norm"}},
    {NormRole::PostAttention, {"post_attention_layernorm", "post_attention_norm"}},
    {NormRole::Mlp, {"pre_feedforward_layernorm", "ffn_norm"}},
    {NormRole::PostMlp, {"post_feedforward_layernorm", "post_ffw_norm"}},
}};

/// Every Nth layer attends globally; the others use the sliding window.
constexpr int64_t kGemma2Pattern = 2, kGemma3Pattern = 6;

HuggingFaceKeys gemmaKeys(const char* activation) {
  HuggingFaceKeys keys;
  keys.activation = activation;
  keys.defaultActivation = "gelu_pytorch_tanh";
  keys.defaultHeadDim = 256;
  keys.tiedByDefault = true;
  return keys;
}

/// Published multimodal files omit the fields that equal the defaults of transformers' Gemma3TextConfig.
HuggingFaceKeys gemma3Keys() {
  HuggingFaceKeys keys = gemmaKeys("hidden_activation");
  keys.defaultHeads = 8;
  keys.defaultKeyValueHeads = 4;
  keys.defaultVocabulary = 262208;
  keys.defaultPositions = 131072;
  keys.defaultTheta = 1e6;
  return keys;
}

/// Reads what all Gemma models share.
ModelConfig gemmaConfig(const checkpoint::Checkpoint& checkpoint, const char* family,
                        const HuggingFaceKeys& keys) {
  const bool isGguf = checkpoint.format == checkpoint::Format::Gguf;
  ModelConfig c = isGguf ? ggufConfig(checkpoint, family) : huggingFaceConfig(checkpoint, family, keys);
  c.activation = isGguf ? Activation::GeluTanh : c.activation;
  c.norm.offset = 1.0f;
  c.embeddingScale = std::sqrt(static_cast<float>(c.hiddenSize));
  return c;
}

/// Attention scale for GGUF files, which do not store it: like llama.cpp, recognizes the largest model by its
/// number of layers.
template <int64_t kLayersOfLargest>
float ggufScale(const ModelConfig& c) {
  return c.numLayers == kLayersOfLargest && c.numHeads > 0
             ? 1.0f / std::sqrt(static_cast<float>(c.hiddenSize / c.numHeads))
             : 0.0f;
}
constexpr auto kGemma2GgufScale = &ggufScale<46>, kGemma3GgufScale = &ggufScale<62>;

void readScale(const checkpoint::Checkpoint& checkpoint, float (*ofGguf)(const ModelConfig&),
               ModelConfig& c) {
  if (checkpoint.format == checkpoint::Format::Gguf) {
    c.attentionScale = ofGguf(c);
    return;
  }
  const auto scalar =
      base::optional<double>(checkpoint.config, "query_pre_attn_scalar", 256.0, configOrigin(checkpoint));
  if (!(scalar > 0))
    throw base::Error(base::ErrorCode::Corrupt,
                      configOrigin(checkpoint) +
                          ": 'query_pre_attn_scalar': expected a positive number, found " +
                          std::to_string(scalar));
  c.attentionScale = static_cast<float>(1.0 / std::sqrt(scalar));
}

float readCap(const checkpoint::Checkpoint& checkpoint, const char* key, const char* ggufKey,
              double fallback) {
  if (checkpoint.format == checkpoint::Format::Gguf)
    return static_cast<float>(ggufNumber(checkpoint, ggufKey, fallback));
  // null switches the cap off; an absent key means the default.
  const base::Json& json = checkpoint.config;
  return json.contains(key) && json.at(key).is_null()
             ? 0.0f
             : static_cast<float>(base::optional<double>(json, key, fallback, configOrigin(checkpoint)));
}

/// Reads the sliding window; 0: none.
int64_t readWindow(const checkpoint::Checkpoint& checkpoint, double fallback) {
  if (checkpoint.format == checkpoint::Format::Gguf)
    return static_cast<int64_t>(ggufNumber(checkpoint, "attention.sliding_window", fallback));
  const base::Json& json = checkpoint.config;
  const bool isNull = json.contains("sliding_window") && json.at("sliding_window").is_null();
  return isNull ? 0 : base::optional<int64_t>(json, "sliding_window", 4096, configOrigin(checkpoint));
}

int64_t checkedPattern(int64_t pattern, const char* key, const std::string& origin) {
  if (pattern < 1)
    throw base::Error(base::ErrorCode::Corrupt,
                      origin + ": '" + key + "': expected 1 or more, found " + std::to_string(pattern));
  return pattern;
}

/// Reads one entry of the per-layer list that GGUF files may hold instead of the pattern's number.
bool isListedLocal(const base::Json& list, int64_t layer, const std::string& origin) {
  const base::Json value = layer < std::ssize(list) ? list[static_cast<size_t>(layer)] : base::Json();
  if (!value.is_boolean() && !value.is_number_integer())
    throw base::Error(base::ErrorCode::Corrupt,
                      origin +
                          ": 'attention.sliding_window_pattern': expected a number or one flag per layer, "
                          "found " +
                          base::briefJson(value) + " for layer " + std::to_string(layer));
  return value.is_boolean() ? value.get<bool>() : value != 0;
}

/// Applies the sliding window to all layers except each `pattern`th, unless the file lists the layers.
void applyPattern(const checkpoint::Checkpoint& checkpoint, int64_t window, int64_t pattern, ModelConfig& c) {
  const std::string origin = configOrigin(checkpoint);
  const auto byPattern = [&pattern](int64_t layer) { return (layer + 1) % pattern != 0; };
  if (checkpoint.format != checkpoint::Format::Gguf)
    return applyWindow(checkpoint.config, window, byPattern, origin, c);
  const char* key = "attention.sliding_window_pattern";
  if (const base::Json list = ggufValue(checkpoint, key); list.is_array())
    return applyWindow(
        base::Json::object(), window, [&](int64_t layer) { return isListedLocal(list, layer, origin); },
        origin, c);
  pattern = checkedPattern(static_cast<int64_t>(ggufNumber(checkpoint, key, static_cast<double>(pattern))),
                           key, origin);
  applyWindow(base::Json::object(), window, byPattern, origin, c);
}

ModelConfig readGemma(const checkpoint::Checkpoint& checkpoint) {
  ModelConfig c = gemmaConfig(checkpoint, "gemma", gemmaKeys("hidden_act"));
  // Gemma 1 files name "gelu" but the model uses the tanh approximation.
  if (c.activation == Activation::Gelu)
    c.activation = Activation::GeluTanh;
  return c;
}

ModelConfig readGemma2(const checkpoint::Checkpoint& checkpoint) {
  ModelConfig c = gemmaConfig(checkpoint, "gemma2", gemmaKeys("hidden_activation"));
  readScale(checkpoint, kGemma2GgufScale, c);
  c.attentionSoftCap = readCap(checkpoint, "attn_logit_softcapping", "attn_logit_softcapping", 50.0);
  c.finalSoftCap = readCap(checkpoint, "final_logit_softcapping", "final_logit_softcapping", 30.0);
  if (const int64_t window = readWindow(checkpoint, 4096); window > 0)
    applyPattern(checkpoint, window, kGemma2Pattern, c);
  return c;
}

/// Reads the rotary embedding of local layers, which is separate and has no scaling by default.
Rotary localRotary(const checkpoint::Checkpoint& checkpoint, const ModelConfig& c) {
  Rotary local{c.rotary().dimensions, 10000.0f, {}, 1.0f};
  if (checkpoint.format == checkpoint::Format::Gguf) {
    local.theta = static_cast<float>(ggufNumber(checkpoint, "rope.freq_base_swa", 10000.0));
    return local;
  }
  const std::string origin = configOrigin(checkpoint);
  const base::Json& json = checkpoint.config;
  local.theta = static_cast<float>(base::optional<double>(json, "rope_local_base_freq", 10000.0, origin));
  const base::Json parameters = json.value("rope_parameters", base::Json());
  if (!parameters.is_object() || !parameters.contains("sliding_attention"))
    return local;
  const base::Json& own = parameters.at("sliding_attention");
  local.theta =
      static_cast<float>(base::optional<double>(own, "rope_theta", static_cast<double>(local.theta), origin));
  applyRopeScaling(own, json, c.maxPositions, "rope_parameters.sliding_attention", origin, local);
  return local;
}

ModelConfig readGemma3(const checkpoint::Checkpoint& checkpoint) {
  ModelConfig c = gemmaConfig(checkpoint, "gemma3", gemma3Keys());
  const std::string origin = configOrigin(checkpoint);
  if (base::optional<bool>(checkpoint.config, "use_bidirectional_attention", false, origin))
    notSupported(origin, "'use_bidirectional_attention': expected false, found true");
  readScale(checkpoint, kGemma3GgufScale, c);
  c.attentionSoftCap = readCap(checkpoint, "attn_logit_softcapping", "attn_logit_softcapping", 0.0);
  c.finalSoftCap = readCap(checkpoint, "final_logit_softcapping", "final_logit_softcapping", 0.0);
  const char* key = "sliding_window_pattern";
  const int64_t pattern =
      checkedPattern(base::optional<int64_t>(checkpoint.config, key, kGemma3Pattern, origin), key, origin);
  if (const int64_t window = readWindow(checkpoint, 0); window > 0)
    applyPattern(checkpoint, window, pattern, c);
  if (c.attention.back().window > 0)
    c.attention.back().rotary = localRotary(checkpoint, c);
  return c;
}

base::Json writeGemma(const Model& model) {
  base::Json json = commonJson(model, "GemmaForCausalLM");
  json["hidden_act"] = "gelu_pytorch_tanh";
  json["attention_bias"] = hasBias(model, LinearRole::Query);
  return json;
}

/// Builds config.json of Gemma 2 and 3.
base::Json writeLaterGemma(const Model& model, const char* architecture) {
  const ModelConfig& config = model.config();
  const auto cap = [](float value) { return value > 0 ? base::Json(shortestDecimal(value)) : base::Json(); };
  base::Json json = commonJson(model, architecture);
  json["hidden_activation"] = "gelu_pytorch_tanh";
  json["attention_bias"] = hasBias(model, LinearRole::Query);
  json["query_pre_attn_scalar"] =
      static_cast<int64_t>(std::lround(1.0f / (config.scoreScale() * config.scoreScale())));
  json["attn_logit_softcapping"] = cap(config.attentionSoftCap);
  json["final_logit_softcapping"] = cap(config.finalSoftCap);
  const int64_t window = config.attention.back().window;
  json["sliding_window"] = window > 0 ? base::Json(window) : base::Json();
  base::Json kinds = base::Json::array();
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    kinds.push_back(config.attentionKind(layer).window > 0 ? "sliding_attention" : "full_attention");
  json["layer_types"] = kinds;
  return json;
}

base::Json writeGemma2(const Model& model) { return writeLaterGemma(model, "Gemma2ForCausalLM"); }

base::Json writeGemma3(const Model& model) {
  base::Json json = writeLaterGemma(model, "Gemma3ForCausalLM");
  json["rope_local_base_freq"] = shortestDecimal(model.config().attention.back().rotary.theta);
  return json;
}

} // namespace

const Family kGemmaFamily = {
    .name = "gemma",
    .huggingFaceTypes = kGemmaTypes,
    .ggufTypes = kGemmaTypes,
    .readConfig = &readGemma,
    .writeConfig = &writeGemma,
    .linears = kLinears,
    .norms = kLlamaNorms,
};

/// Gemma 2: norms before and after both branches, soft caps, every other layer with a sliding window.
const Family kGemma2Family = {
    .name = "gemma2",
    .huggingFaceTypes = kGemma2Types,
    .ggufTypes = kGemma2Types,
    .readConfig = &readGemma2,
    .writeConfig = &writeGemma2,
    .linears = kLinears,
    .norms = kGemma2Norms,
    .ggufWindowPattern = kGemma2Pattern,
    .ggufAttentionScale = kGemma2GgufScale,
};

/// Gemma 3, as text model or as language part of a multimodal model: query and key norms instead of soft
/// caps, sliding window in five of six layers.
const Family kGemma3Family = {
    .name = "gemma3",
    .huggingFaceTypes = kGemma3Types,
    .multimodalTypes = kGemma3MultimodalTypes,
    .ggufTypes = kGemma3GgufTypes,
    .readConfig = &readGemma3,
    .writeConfig = &writeGemma3,
    .linears = kLinears,
    .norms = kGemma3Norms,
    .ggufWindowPattern = kGemma3Pattern,
    .ggufAttentionScale = kGemma3GgufScale,
};

} // namespace nibblesmith::model
