// SPDX-License-Identifier: Apache-2.0
#include "model/config_writer.hpp"

#include "base/error.hpp"
#include "model/rope_scaling.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace nibblesmith::model {

namespace {

[[noreturn]] void refuse(const Model& model, const std::string& what) {
  throw base::Error(base::ErrorCode::NotSupported,
                    "'" + model.checkpoint().path.string() + "': config.json cannot be built: " + what);
}

/// Returns the scaling parameters of Llama 3.1 and later if they reproduce these divisors; else null.
base::Json llama3Scaling(const ModelConfig& config) {
  const Rotary& rotary = config.rotary();
  const base::Json json = {{"rope_type", "llama3"},
                           {"factor", shortestDecimal(*std::ranges::max_element(rotary.divisors))},
                           {"low_freq_factor", 1.0},
                           {"high_freq_factor", 4.0},
                           {"original_max_position_embeddings", 8192}};
  Rotary rebuilt = rotary;
  applyRopeScaling(json, json, config.maxPositions, "rope_scaling", "", rebuilt);
  const bool isSame = std::ranges::equal(rebuilt.divisors, rotary.divisors, [](float a, float b) {
    return std::abs(a - b) <= 1e-5f * std::abs(b);
  });
  return isSame ? json : base::Json();
}

/// Builds "rope_scaling" for LongRoPE. The attention factor is omitted if it is transformers' default,
/// because older versions accept only three fields.
base::Json longropeScaling(const ModelConfig& config) {
  const Rotary& rotary = config.rotary();
  base::Json json = {{"rope_type", "longrope"},
                     {"type", "longrope"},
                     {"short_factor", base::Json::array()},
                     {"long_factor", base::Json::array()}};
  for (const float divisor : rotary.divisors)
    json["short_factor"].push_back(shortestDecimal(divisor));
  for (const float divisor : rotary.longRope->divisors)
    json["long_factor"].push_back(shortestDecimal(divisor));
  const int64_t original = rotary.longRope->originalPositions;
  const double extension = static_cast<double>(config.maxPositions) / static_cast<double>(original);
  if (static_cast<float>(longropeMagnitude(extension, original)) != rotary.magnitude)
    json["attention_factor"] = shortestDecimal(rotary.magnitude);
  return json;
}

base::Json yarnScaling(const Rotary& rotary) {
  const Yarn& yarn = *rotary.yarn;
  return {{"rope_type", "yarn"},
          {"factor", shortestDecimal(yarn.factor)},
          {"original_max_position_embeddings", yarn.originalPositions},
          {"attention_factor", shortestDecimal(rotary.magnitude)},
          {"beta_fast", shortestDecimal(yarn.betaFast)},
          {"beta_slow", shortestDecimal(yarn.betaSlow)},
          {"truncate", yarn.truncate}};
}

base::Json scalingJson(const Model& model) {
  const Rotary& rotary = model.config().rotary();
  if (rotary.yarn)
    return yarnScaling(rotary);
  if (rotary.longRope)
    return longropeScaling(model.config());
  if (rotary.dynamicNtk)
    return {{"rope_type", "dynamic"}, {"factor", shortestDecimal(rotary.dynamicNtk->factor)}};
  if (rotary.divisors.empty())
    return {};
  if (std::ranges::all_of(rotary.divisors, [&](float divisor) { return divisor == rotary.divisors.front(); }))
    return {{"rope_type", "linear"}, {"factor", shortestDecimal(rotary.divisors.front())}};
  base::Json json = llama3Scaling(model.config());
  if (json.is_null())
    refuse(model, "expected rope factors of linear or Llama 3 scaling, found other factors");
  return json;
}

} // namespace

double shortestDecimal(float value) {
  char text[32];
  const auto written = std::to_chars(text, text + sizeof(text), value);
  double result = 0;
  std::from_chars(text, written.ptr, result);
  return result;
}

double rotaryFraction(const ModelConfig& config) {
  return static_cast<double>(config.rotary().dimensions) / static_cast<double>(config.headDim);
}

void renameFields(base::Json& json, std::initializer_list<std::pair<const char*, const char*>> names) {
  for (const auto& [from, to] : names) {
    if (to && json.contains(from))
      json[to] = json.at(from);
    json.erase(from);
  }
}

bool hasBias(const Model& model, LinearRole role) {
  if (model.config().numLayers == 0)
    return false;
  const BlockWeights block = model.block(0);
  const LinearWeights* linear = block.find(role);
  return linear && linear->bias;
}

base::Json commonJson(const Model& model, const char* architecture) {
  const ModelConfig& config = model.config();
  const auto& longRope = config.rotary().longRope;
  const auto& dynamicNtk = config.rotary().dynamicNtk;
  base::Json json = {
      {"architectures", {architecture}},
      {"model_type", std::string(model.family().huggingFaceTypes.front())},
      {"hidden_size", config.hiddenSize},
      {"intermediate_size", config.intermediateSize},
      {"num_hidden_layers", config.numLayers},
      {"num_attention_heads", config.numHeads},
      {"num_key_value_heads", config.numKeyValueHeads},
      {"head_dim", config.headDim},
      {"vocab_size", config.vocabularySize},
      {"max_position_embeddings", dynamicNtk ? dynamicNtk->originalPositions : config.maxPositions},
      {"rms_norm_eps", shortestDecimal(config.norm.epsilon)},
      {"rope_theta", shortestDecimal(config.rotary().theta)},
      {"tie_word_embeddings", config.tiedEmbeddings},
      {"torch_dtype", "float16"}};
  if (config.rotary().dimensions != config.headDim)
    json["partial_rotary_factor"] = rotaryFraction(config);
  if (base::Json scaling = scalingJson(model); !scaling.is_null())
    json["rope_scaling"] = std::move(scaling);
  if (longRope)
    json["original_max_position_embeddings"] = longRope->originalPositions;
  if (config.bos >= 0)
    json["bos_token_id"] = config.bos;
  if (config.eos.size() == 1)
    json["eos_token_id"] = config.eos.front();
  else if (!config.eos.empty())
    json["eos_token_id"] = config.eos;
  return json;
}

base::Json configJson(const Model& model) {
  if (model.checkpoint().format == checkpoint::Format::HuggingFace && !model.checkpoint().skippedModules)
    return model.checkpoint().config;
  if (!model.family().writeConfig)
    refuse(model, "expected a family with a config.json writer, found '" + model.config().family + "'");
  return model.family().writeConfig(model);
}

} // namespace nibblesmith::model
