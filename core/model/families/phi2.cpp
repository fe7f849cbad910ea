// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "model/config_reader.hpp"
#include "model/config_writer.hpp"

#include <array>

namespace nibblesmith::model {

namespace {

constexpr std::array<std::string_view, 1> kHuggingFaceTypes = {"phi"};
constexpr std::array<std::string_view, 1> kGgufTypes = {"phi2"};

constexpr std::array<LinearEntry, 6> kLinears = {{
    {LinearRole::Query, {"self_attn.q_proj", "attn_q"}, Bias::Always},
    {LinearRole::Key, {"self_attn.k_proj", "attn_k"}, Bias::Always},
    {LinearRole::Value, {"self_attn.v_proj", "attn_v"}, Bias::Always},
    {LinearRole::Output, {"self_attn.dense", "attn_output"}, Bias::Always},
    {LinearRole::Up, {"mlp.fc1", "ffn_up"}, Bias::Always},
    {LinearRole::Down, {"mlp.fc2", "ffn_down"}, Bias::Always},
}};
constexpr std::array<NormEntry, 1> kNorms = {{{NormRole::Attention, {"input_layernorm", "attn_norm"}}}};

ModelConfig fromHuggingFace(const checkpoint::Checkpoint& checkpoint) {
  HuggingFaceKeys keys;
  keys.epsilon = "layer_norm_eps";
  keys.defaultEpsilon = 1e-5;
  keys.defaultRotaryFraction = 0.5;
  keys.defaultActivation = "gelu_new";
  if (base::optional<bool>(checkpoint.config, "qk_layernorm", false, configOrigin(checkpoint)))
    notSupported(configOrigin(checkpoint), "'qk_layernorm': expected false, found true");
  return huggingFaceConfig(checkpoint, "phi2", keys);
}

ModelConfig readConfig(const checkpoint::Checkpoint& checkpoint) {
  const bool isGguf = checkpoint.format == checkpoint::Format::Gguf;
  ModelConfig c = isGguf ? ggufConfig(checkpoint, "phi2", "layer_norm_epsilon") : fromHuggingFace(checkpoint);
  if (isGguf)
    c.activation = Activation::GeluTanh;
  if (c.tiedEmbeddings)
    notSupported(configOrigin(checkpoint),
                 "expected an untied output head, found one tied to the embeddings");
  c.norm.kind = Norm::Kind::Layer;
  c.parallelBranches = true;
  return c;
}

base::Json writeConfig(const Model& model) {
  base::Json json = commonJson(model, "PhiForCausalLM");
  renameFields(json, {{"rms_norm_eps", "layer_norm_eps"}, {"head_dim", nullptr}});
  json["hidden_act"] = "gelu_new";
  json["partial_rotary_factor"] = rotaryFraction(model.config());
  return json;
}

} // namespace

/// Phi-1, 1.5 and 2: parallel branches that share one layer norm, biases everywhere, partial rotary
/// embedding. Source: transformers, PhiForCausalLM.
const Family kPhi2Family = {
    .name = "phi2",
    .huggingFaceTypes = kHuggingFaceTypes,
    .ggufTypes = kGgufTypes,
    .readConfig = &readConfig,
    .writeConfig = &writeConfig,
    .linears = kLinears,
    .norms = kNorms,
    .finalNorm = {"model.final_layernorm", "output_norm"},
    .headHasBias = true,
};

} // namespace nibblesmith::model
