// SPDX-License-Identifier: Apache-2.0
#include "model/config_reader.hpp"
#include "base/budget.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "model/rope_scaling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace nibblesmith::model {

namespace {

using base::ErrorCode;
using base::Json;

// Limits of checkConfig(), applied early to bound what is computed before it runs.
constexpr int64_t kMaxKnownLayers = 1 << 12;
constexpr int64_t kMaxKnownHidden = 1 << 17;
/// Most ids that end a text in one list; known models have at most five.
constexpr uint64_t kMaxEndTokens = 256;

int32_t tokenId(const Json& value, const std::string& key, const std::string& origin) {
  constexpr auto kLast = std::numeric_limits<int32_t>::max();
  if (!value.is_number_integer() || value.get<double>() < 0 || value.get<double>() > kLast)
    throw base::Error(ErrorCode::Corrupt,
                      origin + ": '" + key + "': expected a token id, found " + base::briefJson(value));
  return value.get<int32_t>();
}

/// Appends one id or a list of at most kMaxEndTokens ids; null or absent adds nothing.
void addTokenIds(const Json& object, const std::string& key, const std::string& origin,
                 std::vector<int32_t>& ids) {
  if (!object.is_object() || !object.contains(key) || object.at(key).is_null())
    return;
  const Json& value = object.at(key);
  base::checkLimit(value.is_array() ? value.size() : 1, kMaxEndTokens, "token ids",
                   origin + ": '" + key + "'");
  const auto add = [&](const Json& one) {
    const int32_t id = tokenId(one, key, origin);
    // A few lists of bounded length: a search per id is cheap, and keeps the order of the file.
    if (std::find(ids.begin(), ids.end(), id) == ids.end())
      ids.push_back(id);
  };
  if (value.is_array())
    for (const Json& one : value)
      add(one);
  else
    add(value);
}

/// Checks the head dimension early, because reading the rotary embedding allocates by it before checkConfig()
/// runs.
void checkHeadDim(const ModelConfig& c, const std::string& origin) {
  constexpr int64_t kMaximum = 1 << 12;
  if (c.headDim < 1 || c.headDim > kMaximum)
    throw base::Error(ErrorCode::Corrupt, origin + ": head dimension: expected 1 to " +
                                              std::to_string(kMaximum) + ", found " +
                                              std::to_string(c.headDim));
}

/// Reads theta and scaling from the top level or, in files of newer transformers, from "rope_parameters". The
/// latter may hold a separate object for local layers, which the family reads.
void readRotary(const Json& config, const HuggingFaceKeys& keys, const std::string& origin, ModelConfig& c) {
  checkHeadDim(c, origin);
  double theta = base::optional<double>(config, keys.theta, keys.defaultTheta, origin);
  double fraction = base::optional<double>(config, keys.rotaryFraction, keys.defaultRotaryFraction, origin);
  const Json* scaling = nullptr;
  std::string key;
  for (const char* place : {"rope_scaling", "rope_parameters"}) {
    if (!config.contains(place) || config.at(place).is_null())
      continue;
    scaling = &config.at(place);
    key = place;
    if (scaling->is_object() && scaling->contains("full_attention"))
      scaling = &scaling->at("full_attention");
    theta = base::optional<double>(*scaling, "rope_theta", theta, origin);
    fraction = base::optional<double>(*scaling, "partial_rotary_factor", fraction, origin);
  }
  if (!(fraction >= 0) || fraction > 1)
    throw base::Error(ErrorCode::Corrupt, origin + ": '" + keys.rotaryFraction +
                                              "': expected 0 to 1, found " + std::to_string(fraction));
  Rotary& rotary = c.attention.front().rotary;
  rotary.dimensions = static_cast<int64_t>(static_cast<double>(c.headDim) * fraction);
  rotary.theta = static_cast<float>(theta);
  if (scaling)
    c.maxPositions = applyRopeScaling(*scaling, config, c.maxPositions, key, origin, rotary);
}

Activation activationFrom(const Json& config, const HuggingFaceKeys& keys, const std::string& origin) {
  const auto name = base::optional<std::string>(config, keys.activation, keys.defaultActivation, origin);
  if (name == "silu" || name == "swish")
    return Activation::Silu;
  if (name == "gelu")
    return Activation::Gelu;
  if (name == "gelu_new" || name == "gelu_fast" || name == "gelu_pytorch_tanh")
    return Activation::GeluTanh;
  notSupported(origin, "'" + std::string(keys.activation) +
                           "': expected silu, gelu, gelu_new, gelu_fast or gelu_pytorch_tanh, found \"" +
                           name + "\"");
}

void refuseUnsupported(const Json& config, const std::string& origin) {
  if (config.contains("quantization_config") && config.at("quantization_config").is_object()) {
    const Json& quantization = config.at("quantization_config");
    const auto method = base::optional<std::string>(quantization, "quant_method", "", origin);
    constexpr std::array<std::string_view, 6> kRead = {
        "compressed-tensors", "bitsandbytes", "gptq", "awq", "fp8", "fbgemm_fp8"};
    if (std::ranges::find(kRead, method) == kRead.end())
      notSupported(
          origin,
          "'quantization_config.quant_method': expected compressed-tensors, bitsandbytes, gptq, awq, fp8 or "
          "fbgemm_fp8, found \"" +
              method + "\"");
    if (method == "bitsandbytes" && !base::optional<bool>(quantization, "load_in_4bit", false, origin) &&
        !base::optional<bool>(quantization, "load_in_8bit", false, origin))
      notSupported(origin, "'quantization_config.load_in_4bit': expected true, or load_in_8bit, found false; "
                           "of bitsandbytes, only NF4, FP4 and 8-bit weights are supported");
  }
}

int64_t hiddenSizePerHead(const ModelConfig& c, const std::string& origin) {
  if (c.numHeads < 1 || c.hiddenSize % c.numHeads != 0)
    throw base::Error(ErrorCode::Corrupt,
                      origin + ": number of heads: expected a divisor of the hidden size " +
                          std::to_string(c.hiddenSize) + ", found " + std::to_string(c.numHeads));
  return c.hiddenSize / c.numHeads;
}

int64_t readIntermediate(const Json& json, const HuggingFaceKeys& keys, int64_t hiddenSize,
                         const std::string& origin) {
  const bool isThere = json.contains(keys.intermediateSize) && !json.at(keys.intermediateSize).is_null();
  if (isThere || keys.defaultIntermediate == 0 || hiddenSize > kMaxKnownHidden)
    return base::required<int64_t>(json, keys.intermediateSize, origin);
  return keys.defaultIntermediate * hiddenSize;
}

/// Reads a size; fallback 0: required.
int64_t sizeOr(const Json& json, const char* key, int64_t fallback, const std::string& origin) {
  return fallback > 0 ? base::optional<int64_t>(json, key, fallback, origin)
                      : base::required<int64_t>(json, key, origin);
}

/// Reads a value that must be the same for all layers; GGUF also allows one value per layer.
int64_t uniformValue(const Json& json, const std::string& key, const std::string& origin) {
  if (json.contains(key) && json.at(key).is_array())
    notSupported(origin, "'" + key + "': expected one value for all layers, found a list");
  return base::required<int64_t>(json, key, origin);
}

/// Reads a tensor of rope factors, one per frequency.
std::vector<float> readDivisors(const checkpoint::Checkpoint& checkpoint, const char* name,
                                const Rotary& rotary) {
  const tensor::TensorView& divisors = checkpoint.tensor(name);
  if (divisors.elements() != rotary.dimensions / 2 || divisors.dtype != tensor::DType::F32)
    throw base::Error(ErrorCode::Corrupt, configOrigin(checkpoint) + ": tensor '" + name + "': expected [" +
                                              std::to_string(rotary.dimensions / 2) + "] F32, found " +
                                              divisors.describe());
  const tensor::Vector values = tensor::toVector(divisors);
  return {values.begin(), values.end()};
}

/// Translates GGUF scaling keys to the fields of config.json. llama.cpp multiplies YaRN's default magnitude
/// by attn_factor, and uses attn_factor as LongRoPE's magnitude.
Json ggufScaling(const checkpoint::Checkpoint& checkpoint, const std::string& type, const std::string& prefix,
                 const ModelConfig& c) {
  const std::string origin = configOrigin(checkpoint), key = prefix + "rope.scaling.";
  const auto number = [&](const char* name, double fallback) {
    return base::optional<double>(checkpoint.config, key + name, fallback, origin);
  };
  Json json = {{"rope_type", type},
               {"original_max_position_embeddings",
                number("original_context_length", static_cast<double>(c.maxPositions))},
               {"attention_factor", number("attn_factor", 1.0)}};
  if (type == "yarn") {
    json["factor"] = base::required<double>(checkpoint.config, key + "factor", origin);
    json["attention_factor"] =
        number("attn_factor", 1.0) * (1.0 + 0.1 * std::log(std::max(1.0, json["factor"].get<double>())));
  } else {
    json["short_factor"] = readDivisors(checkpoint, "rope_factors_short.weight", c.rotary());
    json["long_factor"] = readDivisors(checkpoint, "rope_factors_long.weight", c.rotary());
  }
  return json;
}

/// Reads rope scaling from GGUF keys. Source: llama.cpp, src/llama-model.cpp (load_hparams) and
/// llama-context.cpp.
void readGgufScaling(const checkpoint::Checkpoint& checkpoint, const std::string& prefix, ModelConfig& c) {
  const std::string origin = configOrigin(checkpoint);
  Rotary& rotary = c.attention.front().rotary;
  auto type = base::optional<std::string>(checkpoint.config, prefix + "rope.scaling.type", "none", origin);
  // Phi-3 files hold the tensors without naming the scaling type.
  if (type == "none" &&
      (checkpoint.has("rope_factors_long.weight") || checkpoint.has("rope_factors_short.weight")))
    type = "longrope";
  if (type == "linear") {
    divideFrequencies(rotary, static_cast<float>(base::required<double>(
                                  checkpoint.config, prefix + "rope.scaling.factor", origin)));
  } else if (type == "yarn" || type == "longrope") {
    const Json json = ggufScaling(checkpoint, type, prefix, c);
    c.maxPositions = applyRopeScaling(json, json, c.maxPositions, prefix + "rope.scaling", origin, rotary);
  } else if (type != "none") {
    notSupported(origin,
                 "'" + prefix +
                     "rope.scaling.type': expected \"none\", \"linear\", \"yarn\" or \"longrope\", found \"" +
                     type + "\"");
  }
  if (checkpoint.has("rope_freqs.weight"))
    rotary.divisors = readDivisors(checkpoint, "rope_freqs.weight", rotary);
}

void readGgufTokens(const checkpoint::Checkpoint& checkpoint, ModelConfig& c) {
  const std::string origin = configOrigin(checkpoint);
  const Json& json = checkpoint.config;
  if (json.contains("tokenizer.ggml.bos_token_id"))
    c.bos = tokenId(json.at("tokenizer.ggml.bos_token_id"), "tokenizer.ggml.bos_token_id", origin);
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                          "tokenizer.ggml.eom_token_id", "tokenizer.ggml.eos_token_ids"})
    addTokenIds(json, key, origin, c.eos);
}

void readGgufRotary(const checkpoint::Checkpoint& checkpoint, const std::string& prefix, ModelConfig& c) {
  const std::string origin = configOrigin(checkpoint);
  checkHeadDim(c, origin);
  Rotary& rotary = c.attention.front().rotary;
  rotary.dimensions =
      base::optional<int64_t>(checkpoint.config, prefix + "rope.dimension_count", c.headDim, origin);
  rotary.theta = static_cast<float>(
      base::optional<double>(checkpoint.config, prefix + "rope.freq_base", 10000.0, origin));
  if (rotary.dimensions > 0 && rotary.dimensions <= c.headDim)
    readGgufScaling(checkpoint, prefix, c);
}

std::string ggufPrefix(const checkpoint::Checkpoint& checkpoint) {
  return base::required<std::string>(checkpoint.config, "general.architecture", configOrigin(checkpoint)) +
         ".";
}

} // namespace

void notSupported(const std::string& origin, const std::string& what) {
  throw base::Error(ErrorCode::NotSupported, origin + ": " + what);
}

ModelConfig huggingFaceConfig(const checkpoint::Checkpoint& checkpoint, const char* family,
                              const HuggingFaceKeys& keys) {
  const std::string origin = configOrigin(checkpoint);
  const Json& json = checkpoint.config;
  ModelConfig c;
  c.family = family;
  c.hiddenSize = base::required<int64_t>(json, keys.hiddenSize, origin);
  c.intermediateSize = readIntermediate(json, keys, c.hiddenSize, origin);
  c.numLayers = base::required<int64_t>(json, keys.numLayers, origin);
  c.numHeads = sizeOr(json, keys.numHeads, keys.defaultHeads, origin);
  c.numKeyValueHeads =
      base::optional<int64_t>(json, "num_key_value_heads",
                              keys.defaultKeyValueHeads > 0 ? keys.defaultKeyValueHeads : c.numHeads, origin);
  c.headDim = base::optional<int64_t>(json, "head_dim", keys.defaultHeadDim, origin);
  const bool hasHeadDim = json.contains("head_dim") && !json.at("head_dim").is_null();
  if (!hasHeadDim && keys.defaultHeadDim == 0)
    c.headDim = hiddenSizePerHead(c, origin);
  c.vocabularySize = sizeOr(json, "vocab_size", keys.defaultVocabulary, origin);
  c.maxPositions = base::optional<int64_t>(json, keys.maxPositions, keys.defaultPositions, origin);
  c.norm.epsilon =
      static_cast<float>(base::optional<double>(json, keys.epsilon, keys.defaultEpsilon, origin));
  c.activation = activationFrom(json, keys, origin);
  readRotary(json, keys, origin, c);
  c.tiedEmbeddings = base::optional<bool>(json, "tie_word_embeddings", keys.tiedByDefault, origin);
  if (json.contains("bos_token_id") && !json.at("bos_token_id").is_null())
    c.bos = tokenId(json.at("bos_token_id"), "bos_token_id", origin);
  addTokenIds(json, "eos_token_id", origin, c.eos);
  const auto generation = checkpoint.path / "generation_config.json";
  if (base::fileExists(generation))
    addTokenIds(base::readJsonFile(generation), "eos_token_id", generation.string(), c.eos);
  if (json.contains("kv_cache"))
    c.kvCache = kvCacheSchemeFromJson(json.at("kv_cache"), origin + ": 'kv_cache'");
  refuseUnsupported(json, origin);
  return c;
}

ModelConfig ggufConfig(const checkpoint::Checkpoint& checkpoint, const char* family, const char* epsilon) {
  const std::string origin = configOrigin(checkpoint);
  const std::string prefix = ggufPrefix(checkpoint);
  const Json& json = checkpoint.config;
  if (checkpoint.tensors.empty())
    throw base::Error(ErrorCode::NotFound,
                      origin +
                          ": expected a model, found a file without tensors, which holds only a vocabulary");
  ModelConfig c;
  c.family = family;
  c.hiddenSize = base::required<int64_t>(json, prefix + "embedding_length", origin);
  c.intermediateSize = uniformValue(json, prefix + "feed_forward_length", origin);
  c.numLayers = base::required<int64_t>(json, prefix + "block_count", origin);
  c.numHeads = uniformValue(json, prefix + "attention.head_count", origin);
  const std::string keyValueHeads = prefix + "attention.head_count_kv";
  c.numKeyValueHeads = json.contains(keyValueHeads) ? uniformValue(json, keyValueHeads, origin) : c.numHeads;
  const std::string headDim = prefix + "attention.key_length";
  c.headDim =
      json.contains(headDim) ? base::required<int64_t>(json, headDim, origin) : hiddenSizePerHead(c, origin);
  const auto valueLength =
      base::optional<int64_t>(json, prefix + "attention.value_length", c.headDim, origin);
  if (valueLength != c.headDim)
    notSupported(origin, "'" + prefix + "attention.value_length': expected the head dimension " +
                             std::to_string(c.headDim) + ", found " + std::to_string(valueLength));
  c.vocabularySize = checkpoint.tensor("token_embd.weight").rows();
  c.maxPositions = base::required<int64_t>(json, prefix + "context_length", origin);
  c.norm.epsilon = static_cast<float>(base::required<double>(json, prefix + "attention." + epsilon, origin));
  readGgufRotary(checkpoint, prefix, c);
  c.tiedEmbeddings = !checkpoint.has("output.weight");
  readGgufTokens(checkpoint, c);
  if (const auto text = base::optional<std::string>(json, "nibblesmith.kv_cache", "", origin);
      !text.empty()) {
    const std::string where = origin + ": 'nibblesmith.kv_cache'";
    c.kvCache = kvCacheSchemeFromJson(base::parseJson(text, where), where);
  }
  return c;
}

double ggufNumber(const checkpoint::Checkpoint& checkpoint, const std::string& key, double fallback) {
  return base::optional<double>(checkpoint.config, ggufPrefix(checkpoint) + key, fallback,
                                configOrigin(checkpoint));
}

Json ggufValue(const checkpoint::Checkpoint& checkpoint, const std::string& key) {
  return checkpoint.config.value(ggufPrefix(checkpoint) + key, Json());
}

void applyWindow(const Json& config, int64_t window, const std::function<bool(int64_t)>& isLocal,
                 const std::string& origin, ModelConfig& c) {
  if (c.numLayers < 1 || c.numLayers > kMaxKnownLayers) // checkConfig() reports it
    return;
  std::vector<uint8_t> kinds;
  const Json types = config.value("layer_types", Json());
  if (!types.is_null() && (!types.is_array() || std::ssize(types) != c.numLayers))
    throw base::Error(ErrorCode::Corrupt, origin + ": 'layer_types': expected a list of " +
                                              std::to_string(c.numLayers) + " names, found another value");
  for (int64_t layer = 0; layer < c.numLayers; ++layer) {
    const Json type = types.is_null() ? Json(isLocal(layer) ? "sliding_attention" : "full_attention")
                                      : types[static_cast<size_t>(layer)];
    if (type != "sliding_attention" && type != "full_attention")
      notSupported(origin, "'layer_types': expected \"full_attention\" or \"sliding_attention\", found " +
                               base::briefJson(type));
    kinds.push_back(type == "sliding_attention" ? 1 : 0);
  }
  if (std::ranges::find(kinds, 1) == kinds.end())
    return;
  if (window < 1)
    throw base::Error(ErrorCode::Corrupt, origin + ": 'sliding_window': expected a number of tokens, found " +
                                              std::to_string(window));
  c.attention.resize(1);
  if (std::ranges::find(kinds, 0) == kinds.end()) {
    c.attention.front().window = window;
    return;
  }
  c.attention.push_back(c.attention.front());
  c.attention.back().window = window;
  c.attentionOfLayer = std::move(kinds);
}

} // namespace nibblesmith::model
