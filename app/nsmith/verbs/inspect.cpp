// SPDX-License-Identifier: Apache-2.0
#include "base/units.hpp"
#include "invocation.hpp"
#include "table.hpp"

#include <algorithm>
#include <cstdio>

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "tensors", "", "List every tensor.");
}

std::string shapeText(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape)
    text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text;
}

/// Where a text's length matters (longrope, dynamic scaling, Qwen 1).
std::string stretchText(const model::ModelConfig& config) {
  const int64_t plain = config.unscaledPositions();
  return plain < config.maxPositions ? ", with stretched positions beyond " + std::to_string(plain)
                                     : std::string();
}

void print(const workflow::Inspection& summary, bool withTensors) {
  const model::ModelConfig& config = summary.config;
  std::printf("family        %s (%s)\n", config.family.c_str(), summary.format.c_str());
  if (!summary.leftOut.empty())
    std::printf("not opened    %s\n", summary.leftOut.c_str());
  std::printf("parameters    %.2f M\n", static_cast<double>(summary.parameters) / 1e6);
  std::printf("weights       %s\n", base::formatBytes(summary.weightBytes).c_str());
  std::printf("layers        %lld, hidden %lld, intermediate %lld\n",
              static_cast<long long>(config.numLayers), static_cast<long long>(config.hiddenSize),
              static_cast<long long>(config.intermediateSize));
  std::printf("attention     %lld heads of %lld, %lld key/value heads\n",
              static_cast<long long>(config.numHeads), static_cast<long long>(config.headDim),
              static_cast<long long>(config.numKeyValueHeads));
  const auto local = std::count_if(config.attentionOfLayer.begin(), config.attentionOfLayer.end(),
                                   [&](uint8_t kind) { return config.attention[kind].window > 0; });
  if (const int64_t window = config.attention.back().window; window > 0)
    std::printf("window        %lld tokens in %lld of %lld layers\n", static_cast<long long>(window),
                static_cast<long long>(config.attentionOfLayer.empty() ? config.numLayers : local),
                static_cast<long long>(config.numLayers));
  std::printf("vocabulary    %lld%s\n", static_cast<long long>(config.vocabularySize),
              config.tiedEmbeddings ? ", tied embeddings" : "");
  std::printf("context       %lld tokens%s", static_cast<long long>(config.maxPositions),
              stretchText(config).c_str());
  if (config.rotary().dimensions > 0)
    std::printf(", rope theta %g\n", static_cast<double>(config.rotary().theta));
  else
    std::printf(", learned positions\n");
  std::printf("kv cache      %s\n", model::describe(config.kvCache).c_str());
  if (const std::string& license = summary.card.license; !license.empty())
    std::printf("licence       %s\n", license.c_str());
  for (const std::string& base : summary.card.baseModels)
    std::printf("made from     %s\n", base.c_str());
  if (const std::string& madeBy = summary.card.madeBy; !madeBy.empty())
    std::printf("quantized     %s\n", madeBy.c_str());
  if (!withTensors)
    return;
  Table table({"tensor", "type", "shape", "size"});
  for (const model::TensorInfo& tensor : summary.tensors)
    table.add({tensor.name, tensor.dtype, shapeText(tensor.shape), base::formatBytes(tensor.bytes)});
  std::printf("\n%s", table.text().c_str());
}

base::Json toJson(const workflow::Inspection& summary) {
  const model::ModelConfig& config = summary.config;
  base::Json tensors = base::Json::array();
  for (const model::TensorInfo& tensor : summary.tensors)
    tensors.push_back(
        {{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"bytes", tensor.bytes}});
  return {{"family", config.family},
          {"format", summary.format},
          {"leftOut", summary.leftOut},
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
    print(summary, call.has("tensors"));
  return toJson(summary);
}

} // namespace

const Verb kInspect = {"inspect", "MODEL", "Show a model's architecture, tensors and sizes.", addOptions,
                       run};

} // namespace nibblesmith::nsmith
