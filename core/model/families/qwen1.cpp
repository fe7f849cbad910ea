// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "model/config_reader.hpp"
#include "model/config_writer.hpp"

#include <algorithm>
#include <array>

namespace nibblesmith::model {

namespace {

constexpr std::array<std::string_view, 1> kTypes = {"qwen"};

constexpr std::array<LinearEntry, 5> kLinears = {{
    {LinearRole::QueryKeyValue, {"attn.c_attn", "attn_qkv"}, Bias::Always},
    {LinearRole::Output, {"attn.c_proj", "attn_output"}},
    {LinearRole::Gate, {"mlp.w2", "ffn_gate"}},
    {LinearRole::Up, {"mlp.w1", "ffn_up"}},
    {LinearRole::Down, {"mlp.c_proj", "ffn_down"}},
}};
constexpr std::array<NormEntry, 2> kNorms = {{
    {NormRole::Attention, {"ln_1", "attn_norm"}},
    {NormRole::Mlp, {"ln_2", "ffn_norm"}},
}};

/// Reads LogN attention and dynamic NTK scaling, which apply to contexts of more than "seq_length" tokens.
void readLongContextOptions(const checkpoint::Checkpoint& checkpoint, ModelConfig& c) {
  const std::string origin = configOrigin(checkpoint);
  const auto trained = base::optional<int64_t>(checkpoint.config, "seq_length", c.maxPositions, origin);
  if (trained < 2)
    throw base::Error(base::ErrorCode::Corrupt,
                      origin + ": 'seq_length': expected 2 or more, found " + std::to_string(trained));
  if (base::optional<bool>(checkpoint.config, "use_logn_attn", true, origin))
    c.logNAttentionFrom = trained;
  if (base::optional<bool>(checkpoint.config, "use_dynamic_ntk", true, origin))
    c.attention.front().rotary.dynamicNtk = DynamicNtk{trained, DynamicNtk::Rule::Doubling};
}

ModelConfig fromHuggingFace(const checkpoint::Checkpoint& checkpoint) {
  HuggingFaceKeys keys;
  keys.epsilon = "layer_norm_epsilon";
  keys.theta = "rotary_emb_base";
  keys.rotaryFraction = "rotary_pct";
  const std::string origin = configOrigin(checkpoint);
  ModelConfig c = huggingFaceConfig(checkpoint, "qwen", keys);
  if (const auto channels = base::optional<int64_t>(checkpoint.config, "kv_channels", c.headDim, origin);
      channels != c.headDim)
    notSupported(origin, "'kv_channels': expected the head dimension " + std::to_string(c.headDim) +
                             ", found " + std::to_string(channels));
  readLongContextOptions(checkpoint, c);
  return c;
}

ModelConfig readConfig(const checkpoint::Checkpoint& checkpoint) {
  ModelConfig c = checkpoint.format == checkpoint::Format::Gguf ? ggufConfig(checkpoint, "qwen")
                                                                : fromHuggingFace(checkpoint);
  // Files count the gate and up projections together.
  if (c.intermediateSize % 2 != 0)
    throw base::Error(base::ErrorCode::Corrupt, configOrigin(checkpoint) +
                                                    ": intermediate size: expected an even number, found " +
                                                    std::to_string(c.intermediateSize));
  c.intermediateSize /= 2;
  if (c.numKeyValueHeads != c.numHeads || c.tiedEmbeddings)
    notSupported(configOrigin(checkpoint),
                 "expected as many key-value heads as the " + std::to_string(c.numHeads) +
                     " heads and an untied output head, found " + std::to_string(c.numKeyValueHeads) +
                     " key-value heads, " + (c.tiedEmbeddings ? "tied" : "untied") + " output head");
  return c;
}

base::Json writeConfig(const Model& model) {
  const ModelConfig& c = model.config();
  base::Json json = commonJson(model, "QWenLMHeadModel");
  renameFields(json, {{"head_dim", "kv_channels"},
                      {"rms_norm_eps", "layer_norm_epsilon"},
                      {"rope_theta", "rotary_emb_base"},
                      {"partial_rotary_factor", nullptr},
                      {"num_key_value_heads", nullptr}});
  json["rotary_pct"] = rotaryFraction(c);
  json["intermediate_size"] = 2 * c.intermediateSize;
  json["seq_length"] = c.unscaledPositions();
  json["use_dynamic_ntk"] = c.rotary().dynamicNtk.has_value();
  json["use_logn_attn"] = c.logNAttentionFrom > 0;
  json["no_bias"] = true;
  return json;
}

} // namespace

/// Qwen 1: Llama with a fused query-key-value projection and older names. Source: the models' own
/// modeling_qwen.py, which chooses the rotary base from the first forward pass and keeps it.
const Family kQwenFamily = {
    .name = "qwen",
    .huggingFaceTypes = kTypes,
    .ggufTypes = kTypes,
    .readConfig = &readConfig,
    .writeConfig = &writeConfig,
    .linears = kLinears,
    .norms = kNorms,
    .block = {"transformer.h.", "blk."},
    .embedding = {"transformer.wte", "token_embd"},
    .finalNorm = {"transformer.ln_f", "output_norm"},
    .ggufFeedForwardFactor = 2,
};

} // namespace nibblesmith::model
