// SPDX-License-Identifier: Apache-2.0
#include "workflow/inspect.hpp"
#include "base/join.hpp"
#include "base/units.hpp"
#include "invocation.hpp"
#include "output.hpp"
#include "table.hpp"

#include <algorithm>
#include <cstdio>

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "tensors", "", "List every tensor.");
}

std::string shapeText(const std::vector<int64_t>& shape) {
  return base::join(shape, " x ", [](int64_t size) { return std::to_string(size); });
}

/// Returns a note for models whose positions are scaled beyond a length (longrope, dynamic NTK, Qwen 1).
std::string scaledPositionsText(const model::ModelConfig& config) {
  const int64_t plain = config.unscaledPositions();
  return plain < config.maxPositions ? ", with scaled RoPE positions beyond " + std::to_string(plain)
                                     : std::string();
}

std::string positionsText(const model::ModelConfig& config) {
  if (config.rotary().dimensions <= 0)
    return ", learned positions";
  char text[64];
  std::snprintf(text, sizeof(text), ", rope theta %g", static_cast<double>(config.rotary().theta));
  return text;
}

void show(const workflow::Inspection& summary, bool withTensors) {
  const model::ModelConfig& config = summary.config;
  print("family        {} ({})\n", {config.family, summary.format});
  if (!summary.skippedModules.empty())
    print("not opened    {}\n", {summary.skippedModules});
  print("parameters    {} M\n", {fixed(static_cast<double>(summary.parameters) / 1e6, 2)});
  print("weights       {}\n", {base::formatBytes(summary.weightBytes)});
  print("layers        {}, hidden {}, intermediate {}\n",
        {config.numLayers, config.hiddenSize, config.intermediateSize});
  print("attention     {} heads of {}, {} key/value heads\n",
        {config.numHeads, config.headDim, config.numKeyValueHeads});
  const auto local = std::count_if(config.attentionOfLayer.begin(), config.attentionOfLayer.end(),
                                   [&](uint8_t kind) { return config.attention[kind].window > 0; });
  if (const int64_t window = config.attention.back().window; window > 0)
    print("window        {} tokens in {} of {} layers\n",
          {window, config.attentionOfLayer.empty() ? config.numLayers : local, config.numLayers});
  print("vocabulary    {}{}\n", {config.vocabularySize, config.tiedEmbeddings ? ", tied embeddings" : ""});
  print("context       {} tokens{}{}\n",
        {config.maxPositions, scaledPositionsText(config), positionsText(config)});
  print("kv cache      {}\n", {model::describe(config.kvCache)});
  if (const std::string& license = summary.card.license; !license.empty())
    print("licence       {}\n", {license});
  for (const std::string& base : summary.card.baseModels)
    print("made from     {}\n", {base});
  if (const std::string& madeBy = summary.card.madeBy; !madeBy.empty())
    print("quantized     {}\n", {madeBy});
  if (!withTensors)
    return;
  Table table({"tensor", "type", "shape", "size"});
  for (const model::TensorInfo& tensor : summary.tensors)
    table.add({tensor.name, tensor.dtype, shapeText(tensor.shape), base::formatBytes(tensor.bytes)});
  print("\n");
  print(table);
}

base::Json toJson(const workflow::Inspection& summary) {
  const model::ModelConfig& config = summary.config;
  base::Json tensors = base::Json::array();
  for (const model::TensorInfo& tensor : summary.tensors)
    tensors.push_back(
        {{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"bytes", tensor.bytes}});
  return {{"family", config.family},
          {"format", summary.format},
          {"skippedModules", summary.skippedModules},
          {"parameters", summary.parameters},
          {"weightBytes", summary.weightBytes},
          {"license", summary.card.license},
          {"baseModels", summary.card.baseModels},
          {"quantizedBy", summary.card.madeBy},
          {"config",
           {{"hiddenSize", config.hiddenSize},
            {"intermediateSize", config.intermediateSize},
            {"numLayers", config.numLayers},
            {"numHeads", config.numHeads},
            {"numKeyValueHeads", config.numKeyValueHeads},
            {"headDim", config.headDim},
            {"vocabularySize", config.vocabularySize},
            {"maxPositions", config.maxPositions},
            {"plainPositions", config.unscaledPositions()},
            {"normEpsilon", config.norm.epsilon},
            {"ropeTheta", config.rotary().dimensions > 0 ? base::Json(config.rotary().theta) : base::Json()},
            {"window", config.attention.back().window},
            {"tiedEmbeddings", config.tiedEmbeddings},
            {"kvCache", model::toJson(config.kvCache)}}},
          {"tensors", tensors}};
}

base::Json run(const Invocation& call) {
  const workflow::Inspection summary = workflow::inspect(call.positional(0, "MODEL"), call.stop());
  if (!call.json())
    show(summary, call.has("tensors"));
  return toJson(summary);
}

} // namespace

const Verb kInspect = {"inspect", "MODEL", "Show a model's architecture, tensors and sizes.", addOptions,
                       run};

} // namespace nibblesmith::nsmith
