// SPDX-License-Identifier: Apache-2.0
#include "export/artifact_config.hpp"

#include "base/error.hpp"
#include "model/family.hpp"
#include "quantization/kv_cache.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace nibblesmith::exporting {

namespace {

constexpr const char* kPacked = "pack-quantized";
constexpr const char* kIntegers = "int-quantized";

/// Bits, symmetric, group size, group index, and the activation scheme as JSON text; empty: no activation
/// quantization.
using LayoutKey = std::tuple<int, bool, int64_t, bool, std::string>;

base::Json inputScheme(const tensor::ActivationScheme& input) {
  return {
      {"num_bits", input.bits},
      {"type", "int"},
      {"symmetric", input.symmetric},
      {"strategy", input.granularity == tensor::ActivationScheme::Granularity::Token ? "token" : "tensor"},
      {"group_size", nullptr},
      {"dynamic", input.isDynamic}};
}

LayoutKey keyOf(const LinearLayout& layout) {
  return {layout.bits, layout.symmetric, layout.groupSize, layout.groupIndexed,
          layout.input ? inputScheme(*layout.input).dump() : std::string()};
}

base::Json weightScheme(const LayoutKey& key, bool staticActOrder) {
  const auto& [bits, symmetric, groupSize, groupIndexed, input] = key;
  base::Json weights = {{"num_bits", bits},
                        {"type", "int"},
                        {"symmetric", symmetric},
                        {"strategy", groupSize > 0 ? "group" : "channel"},
                        {"group_size", groupSize > 0 ? base::Json(groupSize) : base::Json()},
                        {"dynamic", false}};
  if (groupIndexed)
    weights["actorder"] = "group";
  else if (staticActOrder)
    weights["actorder"] = "weight";
  return weights;
}

/// Adds a name to the unquantized modules. Newer transformers use "lm_head" for GPT-NeoX's output head, which
/// the files call "embed_out".
void addName(base::Json& names, const std::string& name) {
  names.push_back(name);
  if (name == "embed_out")
    names.push_back("lm_head");
}

bool splitsOutliers(const LinearLayout& layout) { return layout.input && layout.input->outlierThreshold > 0; }

bool usesStaticActOrder(const quantization::Recipe& recipe) {
  const auto& parameters = recipe.rounding.parameters;
  return parameters.is_object() && parameters.contains("actOrder") && parameters.at("actOrder") == "static";
}

} // namespace

base::Json quantizationConfig(const std::vector<LinearLayout>& linears, bool staticActOrder,
                              const std::string& head) {
  std::map<LayoutKey, std::vector<std::string>> names;
  base::Json ignore = base::Json::array();
  bool headIsQuantized = false;
  for (const LinearLayout& layout : linears) {
    if (layout.quantized)
      names[keyOf(layout)].push_back(layout.name);
    else if (layout.name != head)
      addName(ignore, layout.name);
    headIsQuantized = headIsQuantized || (layout.quantized && layout.name == head);
  }
  if (!headIsQuantized)
    addName(ignore, head);

  const auto general = std::max_element(names.begin(), names.end(), [](const auto& a, const auto& b) {
    return a.second.size() < b.second.size();
  });
  base::Json groups = base::Json::object();
  std::set<std::string> formats;
  const auto addGroup = [&](const LayoutKey& key, base::Json targets) {
    const std::string& input = std::get<std::string>(key);
    const char* format = input.empty() ? kPacked : kIntegers;
    formats.insert(format);
    groups["group_" + std::to_string(groups.size())] = {
        {"targets", std::move(targets)},
        {"weights", weightScheme(key, staticActOrder)},
        {"input_activations", input.empty() ? base::Json() : base::Json::parse(input)},
        {"output_activations", nullptr},
        {"format", format}};
  };
  if (general != names.end())
    addGroup(general->first, base::Json::array({"Linear"}));
  for (auto entry = names.begin(); entry != names.end(); ++entry)
    if (entry != general)
      addGroup(entry->first, entry->second);
  return {{"quant_method", "compressed-tensors"},
          {"format", formats.size() == 1 ? *formats.begin() : "mixed-precision"},
          {"quantization_status", "compressed"},
          {"global_compression_ratio", nullptr},
          {"kv_cache_scheme", nullptr},
          {"ignore", ignore},
          {"config_groups", groups}};
}

base::Json bitsandbytesConfig(const std::vector<LinearLayout>& linears, const std::string& head) {
  base::Json skipped = base::Json::array();
  const LinearLayout* first = nullptr;
  bool headIsListed = false;
  for (const LinearLayout& layout : linears) {
    headIsListed = headIsListed || layout.name == head;
    if (layout.bitsandbytes.empty())
      addName(skipped, layout.name);
    else if (!first)
      first = &layout;
  }
  if (!headIsListed)
    addName(skipped, head);
  return {{"quant_method", "bitsandbytes"},
          {"load_in_4bit", true},
          {"load_in_8bit", false},
          {"_load_in_4bit", true},
          {"_load_in_8bit", false},
          {"bnb_4bit_quant_type", first->bitsandbytes},
          {"bnb_4bit_use_double_quant", first->nestedScales},
          {"bnb_4bit_compute_dtype", "float16"},
          {"bnb_4bit_quant_storage", "uint8"},
          {"llm_int8_enable_fp32_cpu_offload", false},
          {"llm_int8_has_fp16_weight", false},
          {"llm_int8_skip_modules", std::move(skipped)},
          {"llm_int8_threshold", 6.0}};
}

base::Json llmInt8Config(const std::vector<LinearLayout>& linears, const std::string& head) {
  base::Json skipped = base::Json::array();
  float threshold = 0;
  for (const LinearLayout& layout : linears) {
    if (!layout.quantized) {
      addName(skipped, layout.name);
      continue;
    }
    if (!splitsOutliers(layout) || (threshold > 0 && threshold != layout.input->outlierThreshold))
      throw base::Error(base::ErrorCode::NotSupported,
                        "'" + layout.name +
                            "': expected the threshold of outliers of the other "
                            "linears, as bitsandbytes' 8-bit layout has one for all of them");
    threshold = layout.input->outlierThreshold;
  }
  if (std::none_of(linears.begin(), linears.end(),
                   [&](const LinearLayout& layout) { return layout.name == head; }))
    addName(skipped, head);
  return {{"quant_method", "bitsandbytes"},
          {"load_in_8bit", true},
          {"load_in_4bit", false},
          {"llm_int8_threshold", threshold},
          {"llm_int8_skip_modules", skipped},
          {"llm_int8_has_fp16_weight", false},
          {"llm_int8_enable_fp32_cpu_offload", false}};
}

base::Json artifactConfig(const quantization::QuantizedModel& quantized,
                          const std::vector<LinearLayout>& linears) {
  base::Json config = model::configJson(*quantized.source);
  config.erase("quantization_config");
  // A rotated model has a separate head.
  if (base::optional<bool>(config, "tie_word_embeddings", false, "config.json") !=
      quantized.source->config().tiedEmbeddings)
    config["tie_word_embeddings"] = quantized.source->config().tiedEmbeddings;
  // compressed-tensors' "kv_cache_scheme" supports only static scales, so this is a separate field, which
  // other programs ignore.
  config.erase("kv_cache");
  if (const auto scheme = quantization::kvCacheScheme(quantized.recipe.kvCache);
      scheme != model::KvCacheScheme())
    config["kv_cache"] = model::toJson(scheme);
  const std::string head = quantized.source->family().head.huggingFace;
  const auto any =
      std::find_if(linears.begin(), linears.end(), [](const auto& layout) { return layout.quantized; });
  if (std::any_of(linears.begin(), linears.end(), splitsOutliers))
    config["quantization_config"] = llmInt8Config(linears, head);
  else if (any != linears.end() && !any->bitsandbytes.empty())
    config["quantization_config"] = bitsandbytesConfig(linears, head);
  else if (any != linears.end())
    config["quantization_config"] = quantizationConfig(linears, usesStaticActOrder(quantized.recipe), head);
  return config;
}

} // namespace nibblesmith::exporting
