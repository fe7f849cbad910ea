// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "model/config_reader.hpp"
#include "model/config_writer.hpp"
#include "model/families/llama_tables.hpp"

#include <array>

namespace nibblesmith::model {

namespace {

constexpr std::array<std::string_view, 1> kQwen2Types = {"qwen2"};
constexpr std::array<std::string_view, 1> kQwen3Types = {"qwen3"};

constexpr auto kQwen2Linears = llamaLinears(Bias::Always, Bias::None, Bias::None);
constexpr auto kQwen3Linears = llamaLinears(Bias::AttentionFlag, Bias::AttentionFlag, Bias::None);
constexpr std::array<NormEntry, 4> kQwen3Norms = {{
    {NormRole::Attention, {"input_layernorm", "attn_norm"}},
    {NormRole::Query, {"self_attn.q_norm", "attn_q_norm"}},
    {NormRole::Key, {"self_attn.k_norm", "attn_k_norm"}},
    {NormRole::Mlp, {"post_attention_layernorm", "ffn_norm"}},
}};

/// Reads the sliding window, which most files switch off; where it is on, the first layers still attend
/// globally.
void readWindow(const base::Json& json, const std::string& origin, ModelConfig& c) {
  if (!base::optional<bool>(json, "use_sliding_window", false, origin))
    return;
  const auto window = base::optional<int64_t>(json, "sliding_window", 4096, origin);
  const auto whole = base::optional<int64_t>(json, "max_window_layers", 28, origin);
  applyWindow(
      json, window, [whole](int64_t layer) { return layer >= whole; }, origin, c);
}

ModelConfig readQwen2(const checkpoint::Checkpoint& checkpoint) {
  if (checkpoint.format == checkpoint::Format::Gguf)
    return ggufConfig(checkpoint, "qwen2");
  ModelConfig c = huggingFaceConfig(checkpoint, "qwen2");
  readWindow(checkpoint.config, configOrigin(checkpoint), c);
  return c;
}

ModelConfig readQwen3(const checkpoint::Checkpoint& checkpoint) {
  if (checkpoint.format == checkpoint::Format::Gguf)
    return ggufConfig(checkpoint, "qwen3");
  ModelConfig c = huggingFaceConfig(checkpoint, "qwen3", {.defaultHeadDim = 128});
  readWindow(checkpoint.config, configOrigin(checkpoint), c);
  return c;
}

base::Json writeConfig(const Model& model, const char* architecture) {
  base::Json json = commonJson(model, architecture);
  json["hidden_act"] = "silu";
  json["use_sliding_window"] = false;
  json["attention_bias"] = hasBias(model, LinearRole::Query);
  return json;
}

base::Json writeQwen2(const Model& model) { return writeConfig(model, "Qwen2ForCausalLM"); }
base::Json writeQwen3(const Model& model) { return writeConfig(model, "Qwen3ForCausalLM"); }

} // namespace

/// Qwen 1.5, 2 and 2.5: Llama with biases on query, key and value.
const Family kQwen2Family = {
    .name = "qwen2",
    .huggingFaceTypes = kQwen2Types,
    .ggufTypes = kQwen2Types,
    .readConfig = &readQwen2,
    .writeConfig = &writeQwen2,
    .linears = kQwen2Linears,
    .norms = kLlamaNorms,
};

/// Qwen 3: query and key norms instead of the biases.
const Family kQwen3Family = {
    .name = "qwen3",
    .huggingFaceTypes = kQwen3Types,
    .ggufTypes = kQwen3Types,
    .readConfig = &readQwen3,
    .writeConfig = &writeQwen3,
    .linears = kQwen3Linears,
    .norms = kQwen3Norms,
};

} // namespace nibblesmith::model
