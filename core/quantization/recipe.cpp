// SPDX-License-Identifier: Apache-2.0
#include "quantization/recipe.hpp"

#include "base/error.hpp"
#include "base/json.hpp"

#include <algorithm>
#include <initializer_list>

namespace nibblesmith::quantization {

namespace {

using base::Json;

[[noreturn]] void refuse(const std::string& origin, const std::string& what) {
  throw base::Error(base::ErrorCode::InvalidArgument, origin + ": " + what);
}

void requireObject(const Json& json, std::initializer_list<const char*> known, const std::string& origin) {
  if (!json.is_object())
    refuse(origin, std::string("expected an object, found ") + json.type_name());
  for (const auto& [key, value] : json.items())
    if (std::none_of(known.begin(), known.end(), [&](const char* name) { return key == name; }))
      refuse(origin, "unknown field '" + key + "'");
}

MethodChoice choiceFromJson(const Json& json, const std::string& origin) {
  if (!json.is_object())
    refuse(origin, std::string("expected an object with \"use\", found ") + json.type_name());
  MethodChoice choice;
  choice.use = base::required<std::string>(json, "use", origin);
  choice.parameters = json;
  choice.parameters.erase("use");
  return choice;
}

std::vector<std::string> patternsFromJson(const Json& json, const std::string& origin) {
  if (!json.is_array())
    refuse(origin, std::string("expected an array of patterns, found ") + json.type_name());
  std::vector<std::string> patterns;
  for (const Json& entry : json) {
    if (!entry.is_string() || entry.get<std::string>().empty())
      refuse(origin, std::string("expected patterns as strings, found ") + base::briefJson(entry));
    patterns.push_back(entry.get<std::string>());
  }
  return patterns;
}

/// Reads the changes that an override makes to a choice.
Json changesFromJson(const Json& entry, const char* key, const std::string& origin) {
  if (!entry.contains(key))
    return Json::object();
  const Json& changes = entry[key];
  if (!changes.is_object())
    refuse(origin,
           std::string("'") + key + "': expected an object of its parameters, found " + changes.type_name());
  if (changes.contains("use") && !changes["use"].is_string())
    refuse(origin + ": '" + key + "'", "'use': expected a name, found " + base::briefJson(changes["use"]));
  return changes;
}

Policy policyFromJson(const Json& json, const std::string& origin) {
  requireObject(json, {"keep", "overrides"}, origin);
  Policy policy;
  if (json.contains("keep"))
    policy.keep = patternsFromJson(json["keep"], origin + ": 'keep'");
  if (!json.contains("overrides"))
    return policy;
  if (!json["overrides"].is_array())
    refuse(origin, std::string("'overrides': expected an array, found ") + json["overrides"].type_name());
  for (size_t i = 0; i < json["overrides"].size(); ++i) {
    const std::string where = origin + ": 'overrides' " + std::to_string(i);
    const Json& entry = json["overrides"][i];
    requireObject(entry, {"match", "grid", "activations"}, where);
    Override override;
    override.match = base::required<std::string>(entry, "match", where);
    if (!entry.contains("grid") && !entry.contains("activations"))
      refuse(where, "'grid': expected it or 'activations', found neither");
    override.grid = changesFromJson(entry, "grid", where);
    override.activations = changesFromJson(entry, "activations", where);
    policy.overrides.push_back(std::move(override));
  }
  return policy;
}

calibration::CalibrationOptions calibrationFromJson(const Json& json, const std::string& origin) {
  requireObject(json, {"samples", "length", "sampling", "seed", "packing", "chatTemplate"}, origin);
  calibration::CalibrationOptions options;
  options.samples = base::optional(json, "samples", options.samples, origin);
  options.length = base::optional(json, "length", options.length, origin);
  const auto name = [&](const char* key, std::string_view fallback) {
    return base::optional(json, key, std::string(fallback), origin);
  };
  options.sampling = calibration::samplingFrom(name("sampling", toString(options.sampling)), origin);
  options.packing = calibration::packingFrom(name("packing", toString(options.packing)), origin);
  options.chatTemplate =
      calibration::chatTemplateUseFrom(name("chatTemplate", toString(options.chatTemplate)), origin);
  if (json.contains("seed") && !json["seed"].is_number_unsigned())
    refuse(origin, "'seed': expected a non-negative integer, found " + base::briefJson(json["seed"]));
  options.seed = base::optional(json, "seed", options.seed, origin);
  return options;
}

Recipe parse(const Json& json, const std::string& origin) {
  requireObject(
      json,
      {"schema", "name", "transforms", "rounding", "grid", "activations", "kvCache", "policy", "calibration"},
      origin);
  if (const auto schema = base::required<int64_t>(json, "schema", origin); schema != 1)
    refuse(origin, "'schema': expected 1, found " + std::to_string(schema));
  Recipe recipe;
  recipe.name = base::optional<std::string>(json, "name", "", origin);
  if (json.contains("transforms")) {
    if (!json["transforms"].is_array())
      refuse(origin, std::string("'transforms': expected an array, found ") + json["transforms"].type_name());
    for (size_t i = 0; i < json["transforms"].size(); ++i)
      recipe.transforms.push_back(
          choiceFromJson(json["transforms"][i], origin + ": 'transforms' " + std::to_string(i)));
  }
  const auto choice = [&](const char* key, MethodChoice& target) {
    if (json.contains(key))
      target = choiceFromJson(json[key], origin + ": '" + key + "'");
  };
  choice("rounding", recipe.rounding);
  choice("grid", recipe.grid);
  choice("activations", recipe.activations);
  if (json.contains("kvCache"))
    recipe.kvCache = json["kvCache"].is_string()
                         ? MethodChoice{json["kvCache"].get<std::string>(), Json::object()}
                         : choiceFromJson(json["kvCache"], origin + ": 'kvCache'");
  if (json.contains("policy"))
    recipe.policy = policyFromJson(json["policy"], origin + ": 'policy'");
  if (json.contains("calibration"))
    recipe.calibration = calibrationFromJson(json["calibration"], origin + ": 'calibration'");
  return recipe;
}

Json choiceToJson(const MethodChoice& choice) {
  Json json = choice.parameters;
  json["use"] = choice.use;
  return json;
}

} // namespace

Recipe recipeFromJson(const Json& json, const std::string& origin) {
  try {
    return parse(json, origin);
  } catch (const base::Error& error) {
    // A type error found by base comes from the recipe, not from a damaged file.
    throw base::Error(base::ErrorCode::InvalidArgument, error.what());
  }
}

Recipe readRecipe(const std::filesystem::path& path) {
  return recipeFromJson(base::readJsonFile(path), path.string());
}

MethodChoice completeChoice(const MethodDescription& method, const MethodChoice& given) {
  return {given.use, completeParameters(method, given.parameters)};
}

Json toJson(const Recipe& recipe) {
  Json transforms = Json::array();
  for (const MethodChoice& transform : recipe.transforms)
    transforms.push_back(choiceToJson(transform));
  Json overrides = Json::array();
  for (const Override& override : recipe.policy.overrides) {
    overrides.push_back({{"match", override.match}});
    if (!override.grid.empty() || override.activations.empty())
      overrides.back()["grid"] = override.grid;
    if (!override.activations.empty())
      overrides.back()["activations"] = override.activations;
  }
  return {{"schema", 1},
          {"name", recipe.name},
          {"transforms", std::move(transforms)},
          {"rounding", choiceToJson(recipe.rounding)},
          {"grid", choiceToJson(recipe.grid)},
          {"activations", choiceToJson(recipe.activations)},
          {"kvCache",
           recipe.kvCache.parameters.empty() ? Json(recipe.kvCache.use) : choiceToJson(recipe.kvCache)},
          {"policy", {{"keep", recipe.policy.keep}, {"overrides", std::move(overrides)}}},
          {"calibration",
           {{"samples", recipe.calibration.samples},
            {"length", recipe.calibration.length},
            {"sampling", toString(recipe.calibration.sampling)},
            {"seed", recipe.calibration.seed},
            {"packing", toString(recipe.calibration.packing)},
            {"chatTemplate", toString(recipe.calibration.chatTemplate)}}}};
}

} // namespace nibblesmith::quantization
