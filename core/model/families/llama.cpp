// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "model/config_reader.hpp"
#include "model/config_writer.hpp"
#include "model/families/llama_tables.hpp"

#include <array>

namespace nibblesmith::model {

namespace {

constexpr std::array<std::string_view, 2> kHuggingFaceTypes = {"llama", "mistral"};
constexpr std::array<std::string_view, 1> kGgufTypes = {"llama"};

constexpr auto kLinears = llamaLinears(Bias::AttentionFlag, Bias::AttentionFlag, Bias::MlpFlag);

void requireWholeHeads(const ModelConfig& c, const std::string& key, const std::string& origin) {
  if (c.rotary().dimensions != c.headDim)
    notSupported(origin, "'" + key + "': expected the head dimension " + std::to_string(c.headDim) +
                             ", found " + std::to_string(c.rotary().dimensions));
}

/// Reads Mistral's sliding window: 4096 if the key is absent, none if it is null.
void readWindow(const base::Json& json, const std::string& origin, ModelConfig& c) {
  const bool isMistral = json.value("model_type", base::Json()) == "mistral";
  if (json.contains("sliding_window") ? json.at("sliding_window").is_null() : !isMistral)
    return;
  const auto window = base::optional<int64_t>(json, "sliding_window", 4096, origin);
  if (isMistral)
    applyWindow(
        base::Json::object(), window, [](int64_t) { return true; }, origin, c);
  else if (window < c.maxPositions)
    notSupported(origin, "'sliding_window': expected null for \"llama\", found " + std::to_string(window));
}

ModelConfig readConfig(const checkpoint::Checkpoint& checkpoint) {
  const std::string origin = configOrigin(checkpoint);
  if (checkpoint.format == checkpoint::Format::Gguf) {
    const ModelConfig c = ggufConfig(checkpoint, "llama");
    requireWholeHeads(c, "llama.rope.dimension_count", origin);
    return c;
  }
  ModelConfig c = huggingFaceConfig(checkpoint, "llama");
  requireWholeHeads(c, "partial_rotary_factor", origin);
  readWindow(checkpoint.config, origin, c);
  return c;
}

base::Json writeConfig(const Model& model) {
  base::Json json = commonJson(model, "LlamaForCausalLM");
  json["hidden_act"] = "silu";
  json["attention_bias"] = hasBias(model, LinearRole::Query);
  json["mlp_bias"] = hasBias(model, LinearRole::Up);
  return json;
}

} // namespace

/// Llama 1 to 3, TinyLlama, SmolLM2, Mistral.
const Family kLlamaFamily = {
    .name = "llama",
    .huggingFaceTypes = kHuggingFaceTypes,
    .ggufTypes = kGgufTypes,
    .readConfig = &readConfig,
    .writeConfig = &writeConfig,
    .linears = kLinears,
    .norms = kLlamaNorms,
    .ggufInterleavesRotary = true,
    .ggufReadsFrequencies = true,
};

} // namespace nibblesmith::model
