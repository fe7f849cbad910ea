// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "model/config_reader.hpp"
#include "model/config_writer.hpp"
#include "model/families/llama_tables.hpp"

#include <array>

namespace nibblesmith::model {

namespace {

constexpr std::array<std::string_view, 1> kHuggingFaceTypes = {"gpt_neox"};
constexpr std::array<std::string_view, 1> kGgufTypes = {"gptneox"};

constexpr std::array<LinearEntry, 4> kLinears = {{
    {LinearRole::QueryKeyValue, {"attention.query_key_value", "attn_qkv"}, Bias::Always},
    {LinearRole::Output, {"attention.dense", "attn_output"}, Bias::Always},
    {LinearRole::Up, {"mlp.dense_h_to_4h", "ffn_up"}, Bias::Always},
    {LinearRole::Down, {"mlp.dense_4h_to_h", "ffn_down"}, Bias::Always},
}};

ModelConfig fromHuggingFace(const checkpoint::Checkpoint& checkpoint) {
  HuggingFaceKeys keys;
  keys.epsilon = "layer_norm_eps";
  keys.defaultEpsilon = 1e-5;
  keys.theta = "rotary_emb_base";
  keys.rotaryFraction = "rotary_pct";
  keys.defaultRotaryFraction = 0.25;
  keys.defaultActivation = "gelu";
  const std::string origin = configOrigin(checkpoint);
  if (!base::optional<bool>(checkpoint.config, "attention_bias", true, origin))
    notSupported(origin, "'attention_bias': expected true, found false");
  ModelConfig c = huggingFaceConfig(checkpoint, "gptneox", keys);
  c.parallelBranches = base::optional<bool>(checkpoint.config, "use_parallel_residual", true, origin);
  return c;
}

/// Reads GGUF. llama.cpp computes GELU by its tanh approximation, so that is what GGUF files stand for.
ModelConfig fromGguf(const checkpoint::Checkpoint& checkpoint) {
  ModelConfig c = ggufConfig(checkpoint, "gptneox", "layer_norm_epsilon");
  c.activation = Activation::GeluTanh;
  c.parallelBranches =
      base::required<bool>(checkpoint.config, "gptneox.use_parallel_residual", configOrigin(checkpoint));
  return c;
}

ModelConfig readConfig(const checkpoint::Checkpoint& checkpoint) {
  ModelConfig c =
      checkpoint.format == checkpoint::Format::Gguf ? fromGguf(checkpoint) : fromHuggingFace(checkpoint);
  if (c.numKeyValueHeads != c.numHeads)
    notSupported(configOrigin(checkpoint), "expected as many key-value heads as the " +
                                               std::to_string(c.numHeads) + " heads, found " +
                                               std::to_string(c.numKeyValueHeads));
  c.norm.kind = Norm::Kind::Layer;
  c.queryKeyValueOrder = QueryKeyValueOrder::Heads;
  return c;
}

base::Json writeConfig(const Model& model) {
  base::Json json = commonJson(model, "GPTNeoXForCausalLM");
  renameFields(json, {{"rms_norm_eps", "layer_norm_eps"},
                      {"rope_theta", "rotary_emb_base"},
                      {"partial_rotary_factor", nullptr},
                      {"num_key_value_heads", nullptr},
                      {"head_dim", nullptr}});
  json["rotary_pct"] = rotaryFraction(model.config());
  json["hidden_act"] = "gelu_new";
  json["use_parallel_residual"] = model.config().parallelBranches;
  return json;
}

} // namespace

/// GPT-NeoX and Pythia: query, key and value of each head in one linear, mostly parallel branches, a layer
/// norm per branch. Source: transformers, GPTNeoXForCausalLM.
const Family kGptNeoxFamily = {
    .name = "gptneox",
    .huggingFaceTypes = kHuggingFaceTypes,
    .ggufTypes = kGgufTypes,
    .readConfig = &readConfig,
    .writeConfig = &writeConfig,
    .linears = kLinears,
    .norms = kLlamaNorms,
    .block = {"gpt_neox.layers.", "blk."},
    .embedding = {"gpt_neox.embed_in", "token_embd"},
    .finalNorm = {"gpt_neox.final_layer_norm", "output_norm"},
    .head = {"embed_out", "output"},
};

} // namespace nibblesmith::model
