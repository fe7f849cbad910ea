// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/json.hpp"
#include "model/family.hpp"

#include <algorithm>
#include <limits>

namespace nibblesmith::model {

namespace {

using base::ErrorCode;
using base::Json;

[[noreturn]] void notSupported(const std::string& origin, const std::string& what) {
  throw base::Error(ErrorCode::NotSupported, origin + ": " + what);
}

int32_t tokenId(const Json& value, const std::string& key, const std::string& origin) {
  constexpr auto kLast = std::numeric_limits<int32_t>::max();
  if (!value.is_number_integer() || value.get<double>() < 0 || value.get<double>() > kLast)
    throw base::Error(ErrorCode::Corrupt, origin + ": '" + key + "': expected a token id, found " +
                                              value.dump(-1, ' ', false, Json::error_handler_t::replace));
  return value.get<int32_t>();
}

/// One id or a list of them; null and absence give none.
void addTokenIds(const Json& object, const std::string& key, const std::string& origin,
                 std::vector<int32_t>& ids) {
  if (!object.is_object() || !object.contains(key) || object.at(key).is_null())
    return;
  const Json& value = object.at(key);
  const auto add = [&](const Json& one) {
    const int32_t id = tokenId(one, key, origin);
    if (std::find(ids.begin(), ids.end(), id) == ids.end())
      ids.push_back(id);
  };
  if (value.is_array())
    for (const Json& one : value)
      add(one);
  else
    add(value);
}

void requireDefaultRope(const Json& scaling, const std::string& key, const std::string& origin) {
  if (!scaling.is_object())
    notSupported(origin,
                 "'" + key + "': expected null or an object, found " + std::string(scaling.type_name()));
  std::string type = base::optional<std::string>(scaling, "rope_type", "", origin);
  if (type.empty())
    type = base::optional<std::string>(scaling, "type", "default", origin);
  if (type != "default")
    notSupported(origin, "'" + key + "': expected null or \"default\", found \"" + type + "\"");
}

/// Theta lies at the top level, or in "rope_parameters" in files of newer transformers.
float ropeTheta(const Json& config, const std::string& origin) {
  double theta = base::optional<double>(config, "rope_theta", 10000.0, origin);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (!config.contains(key) || config.at(key).is_null())
      continue;
    requireDefaultRope(config.at(key), key, origin);
    theta = base::optional<double>(config.at(key), "rope_theta", theta, origin);
  }
  return static_cast<float>(theta);
}

void refuseUnsupported(const Json& config, const ModelConfig& c, const std::string& origin) {
  const auto activation = base::optional<std::string>(config, "hidden_act", "silu", origin);
  if (activation != "silu" && activation != "swish")
    notSupported(origin, "'hidden_act': expected \"silu\", found \"" + activation + "\"");
  // A window at least as long as the context never closes.
  const auto window = base::optional<int64_t>(config, "sliding_window", c.maxPositions, origin);
  if (window < c.maxPositions)
    notSupported(origin, "'sliding_window': expected null, found " + std::to_string(window));
  const auto rotary = base::optional<double>(config, "partial_rotary_factor", 1.0, origin);
  if (rotary != 1.0)
    notSupported(origin, "'partial_rotary_factor': expected 1, found " + std::to_string(rotary));
  if (config.contains("quantization_config") && config.at("quantization_config").is_object()) {
    const Json& quantization = config.at("quantization_config");
    const auto method = base::optional<std::string>(quantization, "quant_method", "", origin);
    if (method != "compressed-tensors" && method != "bitsandbytes")
      notSupported(origin, "'quantization_config.quant_method': expected \"compressed-tensors\" or \"bitsandbytes\", "
                           "found \"" + method + "\"");
    if (method == "bitsandbytes" && !base::optional<bool>(quantization, "load_in_4bit", false, origin) &&
        !base::optional<bool>(quantization, "load_in_8bit", false, origin))
      notSupported(origin, "'quantization_config.load_in_4bit': expected true, or load_in_8bit, found false: of "
                           "bitsandbytes' types NF4, FP4 and 8 bits are read");
  }
}

int64_t dividedHidden(const ModelConfig& c, const std::string& origin) {
  if (c.numHeads < 1 || c.hiddenSize % c.numHeads != 0)
    throw base::Error(ErrorCode::Corrupt,
                      origin + ": number of heads: expected a divisor of the hidden size " +
                          std::to_string(c.hiddenSize) + ", found " + std::to_string(c.numHeads));
  return c.hiddenSize / c.numHeads;
}

ModelConfig fromHuggingFace(const checkpoint::Checkpoint& checkpoint) {
  const std::string origin = configOrigin(checkpoint);
  const Json& json = checkpoint.config;
  ModelConfig c;
  c.family = "llama";
  c.hiddenSize = base::required<int64_t>(json, "hidden_size", origin);
  c.intermediateSize = base::required<int64_t>(json, "intermediate_size", origin);
  c.numLayers = base::required<int64_t>(json, "num_hidden_layers", origin);
  c.numHeads = base::required<int64_t>(json, "num_attention_heads", origin);
  c.numKeyValueHeads = base::optional<int64_t>(json, "num_key_value_heads", c.numHeads, origin);
  const bool hasHeadDim = json.contains("head_dim") && !json.at("head_dim").is_null();
  c.headDim = hasHeadDim ? base::required<int64_t>(json, "head_dim", origin) : dividedHidden(c, origin);
  c.vocabularySize = base::required<int64_t>(json, "vocab_size", origin);
  c.maxPositions = base::optional<int64_t>(json, "max_position_embeddings", 2048, origin);
  c.normEpsilon = static_cast<float>(base::optional<double>(json, "rms_norm_eps", 1e-6, origin));
  c.ropeTheta = ropeTheta(json, origin);
  c.tiedEmbeddings = base::optional<bool>(json, "tie_word_embeddings", false, origin);
  if (json.contains("bos_token_id") && !json.at("bos_token_id").is_null())
    c.bos = tokenId(json.at("bos_token_id"), "bos_token_id", origin);
  addTokenIds(json, "eos_token_id", origin, c.eos);
  const auto generation = checkpoint.path / "generation_config.json";
  if (std::filesystem::exists(generation))
    addTokenIds(base::readJsonFile(generation), "eos_token_id", generation.string(), c.eos);
  if (json.contains("kv_cache"))
    c.kvCache = kvCacheSchemeFromJson(json.at("kv_cache"), origin + ": 'kv_cache'");
  refuseUnsupported(json, c, origin);
  return c;
}

/// GGUF allows one value per layer where Hugging Face has one for all.
int64_t onePerModel(const Json& json, const std::string& key, const std::string& origin) {
  if (json.contains(key) && json.at(key).is_array())
    notSupported(origin, "'" + key + "': expected one value for all layers, found a list");
  return base::required<int64_t>(json, key, origin);
}

void refuseUnsupportedGguf(const checkpoint::Checkpoint& checkpoint, const ModelConfig& c) {
  const std::string origin = configOrigin(checkpoint);
  const Json& json = checkpoint.config;
  const auto scaling = base::optional<std::string>(json, "llama.rope.scaling.type", "none", origin);
  if (scaling != "none")
    notSupported(origin, "'llama.rope.scaling.type': expected \"none\", found \"" + scaling + "\"");
  if (checkpoint.has("rope_freqs.weight"))
    notSupported(origin,
                 "tensor 'rope_freqs.weight': rope frequencies of its own (scaled rope) are not supported");
  const auto experts = base::optional<int64_t>(json, "llama.expert_count", 0, origin);
  if (experts != 0)
    notSupported(origin, "'llama.expert_count': expected none, found " + std::to_string(experts));
  for (const char* key : {"llama.rope.dimension_count", "llama.attention.value_length"}) {
    const auto dimension = base::optional<int64_t>(json, key, c.headDim, origin);
    if (dimension != c.headDim)
      notSupported(origin, "'" + std::string(key) + "': expected the head dimension " +
                               std::to_string(c.headDim) + ", found " + std::to_string(dimension));
  }
}

ModelConfig fromGguf(const checkpoint::Checkpoint& checkpoint) {
  const std::string origin = configOrigin(checkpoint);
  const Json& json = checkpoint.config;
  ModelConfig c;
  c.family = "llama";
  c.hiddenSize = base::required<int64_t>(json, "llama.embedding_length", origin);
  c.intermediateSize = onePerModel(json, "llama.feed_forward_length", origin);
  c.numLayers = base::required<int64_t>(json, "llama.block_count", origin);
  c.numHeads = onePerModel(json, "llama.attention.head_count", origin);
  c.numKeyValueHeads = json.contains("llama.attention.head_count_kv")
                           ? onePerModel(json, "llama.attention.head_count_kv", origin)
                           : c.numHeads;
  c.headDim = json.contains("llama.attention.key_length")
                  ? base::required<int64_t>(json, "llama.attention.key_length", origin)
                  : dividedHidden(c, origin);
  c.vocabularySize = checkpoint.tensor("token_embd.weight").rows();
  c.maxPositions = base::required<int64_t>(json, "llama.context_length", origin);
  c.normEpsilon =
      static_cast<float>(base::required<double>(json, "llama.attention.layer_norm_rms_epsilon", origin));
  c.ropeTheta = static_cast<float>(base::optional<double>(json, "llama.rope.freq_base", 10000.0, origin));
  c.tiedEmbeddings = !checkpoint.has("output.weight");
  if (json.contains("tokenizer.ggml.bos_token_id"))
    c.bos = tokenId(json.at("tokenizer.ggml.bos_token_id"), "tokenizer.ggml.bos_token_id", origin);
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                          "tokenizer.ggml.eom_token_id", "tokenizer.ggml.eos_token_ids"})
    addTokenIds(json, key, origin, c.eos);
  if (const auto text = base::optional<std::string>(json, "nibblesmith.kv_cache", "", origin); !text.empty()) {
    const std::string where = origin + ": 'nibblesmith.kv_cache'";
    c.kvCache = kvCacheSchemeFromJson(base::parseJson(text, where), where);
  }
  refuseUnsupportedGguf(checkpoint, c);
  return c;
}

} // namespace

ModelConfig readLlamaConfig(const checkpoint::Checkpoint& checkpoint) {
  return checkpoint.format == checkpoint::Format::Gguf ? fromGguf(checkpoint) : fromHuggingFace(checkpoint);
}

} // namespace nibblesmith::model
