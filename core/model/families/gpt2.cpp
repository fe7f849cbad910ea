// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "model/config_reader.hpp"
#include "model/config_writer.hpp"

#include <array>

namespace nibblesmith::model {

namespace {

constexpr std::array<std::string_view, 1> kTypes = {"gpt2"};

constexpr std::array<LinearEntry, 4> kLinears = {{
    {LinearRole::QueryKeyValue, {"attn.c_attn", "attn_qkv"}, Bias::Always},
    {LinearRole::Output, {"attn.c_proj", "attn_output"}, Bias::Always},
    {LinearRole::Up, {"mlp.c_fc", "ffn_up"}, Bias::Always},
    {LinearRole::Down, {"mlp.c_proj", "ffn_down"}, Bias::Always},
}};
constexpr std::array<NormEntry, 2> kNorms = {{
    {NormRole::Attention, {"ln_1", "attn_norm"}},
    {NormRole::Mlp, {"ln_2", "ffn_norm"}},
}};

ModelConfig fromHuggingFace(const checkpoint::Checkpoint& checkpoint) {
  HuggingFaceKeys keys;
  keys.hiddenSize = "n_embd";
  keys.intermediateSize = "n_inner";
  keys.defaultIntermediate = 4;
  keys.numLayers = "n_layer";
  keys.numHeads = "n_head";
  keys.maxPositions = "n_positions";
  keys.epsilon = "layer_norm_epsilon";
  keys.defaultEpsilon = 1e-5;
  keys.defaultRotaryFraction = 0;
  keys.activation = "activation_function";
  keys.defaultActivation = "gelu_new";
  keys.tiedByDefault = true;
  const std::string origin = configOrigin(checkpoint);
  for (const char* key : {"scale_attn_by_inverse_layer_idx", "add_cross_attention"})
    if (base::optional<bool>(checkpoint.config, key, false, origin))
      notSupported(origin, "'" + std::string(key) + "': expected false, found true");
  ModelConfig c = huggingFaceConfig(checkpoint, "gpt2", keys);
  if (!base::optional<bool>(checkpoint.config, "scale_attn_weights", true, origin))
    c.attentionScale = 1;
  return c;
}

ModelConfig readConfig(const checkpoint::Checkpoint& checkpoint) {
  const bool isGguf = checkpoint.format == checkpoint::Format::Gguf;
  ModelConfig c = isGguf ? ggufConfig(checkpoint, "gpt2", "layer_norm_epsilon") : fromHuggingFace(checkpoint);
  if (isGguf)
    c.activation = Activation::GeluTanh;
  c.attention.front().rotary = {};
  c.norm.kind = Norm::Kind::Layer;
  return c;
}

base::Json writeConfig(const Model& model) {
  base::Json json = commonJson(model, "GPT2LMHeadModel");
  renameFields(json, {{"hidden_size", "n_embd"},
                      {"intermediate_size", "n_inner"},
                      {"num_hidden_layers", "n_layer"},
                      {"num_attention_heads", "n_head"},
                      {"max_position_embeddings", "n_positions"},
                      {"rms_norm_eps", "layer_norm_epsilon"},
                      {"num_key_value_heads", nullptr},
                      {"head_dim", nullptr},
                      {"rope_theta", nullptr},
                      {"partial_rotary_factor", nullptr}});
  json["activation_function"] = "gelu_new";
  return json;
}

} // namespace

/// GPT-2: learned position embeddings, no rotary embedding; linears are stored transposed. Source:
/// transformers, GPT2LMHeadModel and Conv1D.
const Family kGpt2Family = {
    .name = "gpt2",
    .huggingFaceTypes = kTypes,
    .ggufTypes = kTypes,
    .readConfig = &readConfig,
    .writeConfig = &writeConfig,
    .linears = kLinears,
    .norms = kNorms,
    .block = {"transformer.h.", "blk."},
    .embedding = {"transformer.wte", "token_embd"},
    .positions = {"transformer.wpe", "position_embd"},
    .finalNorm = {"transformer.ln_f", "output_norm"},
    .optionalPrefix = "transformer.",
    .transposedLinears = true,
};

} // namespace nibblesmith::model
