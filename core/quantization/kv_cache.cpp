// SPDX-License-Identifier: Apache-2.0
#include "quantization/kv_cache.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace nibblesmith::quantization {

namespace {

constexpr const char* kOrigin = "recipe: 'kvCache'";

constexpr const char* kPlain = R"([
  { "schema": 1, "name": "f16", "kind": "kvCache", "label": "16-bit floats",
    "help": "Keys and values in f16.", "parameters": [] },
  { "schema": 1, "name": "f32", "kind": "kvCache", "label": "32-bit floats",
    "help": "Keys and values in f32, for comparisons.", "parameters": [] }
])";

MethodDescription packed(const std::string& name, const std::string& label) {
  const base::Json defaults = model::toJson(model::defaultKvCacheScheme(name, kOrigin));
  return methodFromJson(
      {{"schema", 1},
       {"name", name},
       {"kind", "kvCache"},
       {"label", label},
       {"help", "Keys and values quantized to integers, with a scale and a minimum per group."},
       {"source", "Liu et al. 2024, KIVI (arXiv 2402.02750)"},
       {"parameters",
        {{{"key", "keys"},
          {"type", "choice"},
          {"label", "Keys"},
          {"help", "Grouping of keys: neighbouring channels of one token, or one channel over several tokens "
                   "(KIVI)."},
          {"choices", {"token", "channel"}},
          {"default", defaults["keys"]}},
         {{"key", "groupSize"},
          {"type", "integer"},
          {"label", "Group size"},
          {"help",
           "Values that share a scale and a minimum. Smaller groups are more accurate and take more memory."},
          {"minimum", 8},
          {"maximum", 256},
          {"choices", {16, 32, 64, 128}},
          {"default", defaults["groupSize"]}},
         {{"key", "residual"},
          {"type", "integer"},
          {"label", "Window"},
          {"unit", "tokens"},
          {"help",
           "Number of newest tokens that stay in f16 before they are quantized together; a multiple of the "
           "group size. 0 (only with keys by token): each token is quantized at once."},
          {"minimum", 0},
          {"maximum", 1024},
          {"choices", {0, 32, 64, 128, 256}},
          {"default", defaults["residual"]}}}}},
      kOrigin);
}

} // namespace

const std::vector<MethodDescription>& kvCacheDescriptions() {
  static const std::vector<MethodDescription> descriptions = [] {
    const base::Json plain = base::parseJson(kPlain, kOrigin);
    return std::vector{methodFromJson(plain[0], kOrigin), packed("int8", "8-bit codes"),
                       packed("int4", "4-bit codes"), methodFromJson(plain[1], kOrigin)};
  }();
  return descriptions;
}

model::KvCacheScheme kvCacheScheme(const MethodChoice& choice) {
  const auto& all = kvCacheDescriptions();
  const auto method = std::find_if(all.begin(), all.end(),
                                   [&](const MethodDescription& one) { return one.name == choice.use; });
  // Throws with the known names.
  if (method == all.end())
    return model::defaultKvCacheScheme(choice.use, kOrigin);
  base::Json json;
  try {
    json = completeParameters(*method, choice.parameters);
  } catch (const base::Error& error) {
    throw base::Error(base::ErrorCode::InvalidArgument, std::string(kOrigin) + ": " + error.what());
  }
  json["use"] = choice.use;
  return model::kvCacheSchemeFromJson(json, kOrigin);
}

} // namespace nibblesmith::quantization
