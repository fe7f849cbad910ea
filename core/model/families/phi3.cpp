// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "model/config_reader.hpp"
#include "model/config_writer.hpp"
#include "model/families/llama_tables.hpp"

#include <array>

namespace nibblesmith::model {

namespace {

constexpr std::array<std::string_view, 1> kTypes = {"phi3"};

constexpr std::array<LinearEntry, 4> kLinears = {{
    {LinearRole::QueryKeyValue, {"self_attn.qkv_proj", "attn_qkv"}},
    {LinearRole::Output, {"self_attn.o_proj", "attn_output"}},
    {LinearRole::GateUp, {"mlp.gate_up_proj", "ffn_up"}},
    {LinearRole::Down, {"mlp.down_proj", "ffn_down"}},
}};

ModelConfig readConfig(const checkpoint::Checkpoint& checkpoint) {
  if (checkpoint.format == checkpoint::Format::Gguf)
    return ggufConfig(checkpoint, "phi3");
  const std::string origin = configOrigin(checkpoint);
  ModelConfig c = huggingFaceConfig(checkpoint, "phi3", {.defaultEpsilon = 1e-5});
  const base::Json& json = checkpoint.config;
  if (json.contains("sliding_window") && !json.at("sliding_window").is_null())
    applyWindow(
        base::Json::object(), base::required<int64_t>(json, "sliding_window", origin),
        [](int64_t) { return true; }, origin, c);
  return c;
}

base::Json writeConfig(const Model& model) {
  base::Json json = commonJson(model, "Phi3ForCausalLM");
  json["hidden_act"] = "silu";
  const auto& longRope = model.config().rotary().longRope;
  json["original_max_position_embeddings"] =
      longRope ? longRope->originalPositions : model.config().maxPositions;
  json["sliding_window"] = nullptr;
  return json;
}

} // namespace

/// Phi-3 and 4: Llama with fused projections; models with 128k context use LongRoPE.
const Family kPhi3Family = {
    .name = "phi3",
    .huggingFaceTypes = kTypes,
    .ggufTypes = kTypes,
    .readConfig = &readConfig,
    .writeConfig = &writeConfig,
    .linears = kLinears,
    .norms = kLlamaNorms,
    .ggufReadsFrequencies = true,
};

} // namespace nibblesmith::model
