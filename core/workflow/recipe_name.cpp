// SPDX-License-Identifier: Apache-2.0
#include "workflow/recipe_name.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "quantization/activation_plan.hpp"
#include "quantization/grid.hpp"
#include "quantization/kv_cache.hpp"
#include "quantization/policy.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace nibblesmith::workflow {

namespace {

using base::Json;
using quantization::MethodChoice;
using quantization::MethodDescription;
using quantization::Parameter;
using quantization::Recipe;

constexpr size_t kMostBytes = 120;

/// Descriptions of all methods that a recipe refers to.
class Descriptions {
public:
  explicit Descriptions(const quantization::MethodCatalog& methods) : m_methods(methods.methods()) {
    for (MethodDescription& grid : quantization::gridDescriptions())
      m_methods.push_back(std::move(grid));
    for (const auto* others : {&quantization::activationDescriptions(), &quantization::kvCacheDescriptions()})
      m_methods.insert(m_methods.end(), others->begin(), others->end());
  }

  /// Returns null for a method that is not installed, and for "none".
  const MethodDescription* find(quantization::MethodKind kind, const std::string& use) const {
    const auto found = std::find_if(m_methods.begin(), m_methods.end(), [&](const MethodDescription& method) {
      return method.kind == kind && method.name == use;
    });
    return found == m_methods.end() ? nullptr : &*found;
  }

private:
  std::vector<MethodDescription> m_methods;
};

/// Returns the parameters that have an effect, with defaults filled in; unchanged if they are not valid.
Json effective(const MethodDescription* method, const MethodChoice& choice) {
  if (!method)
    return choice.parameters;
  try {
    const Json all = quantization::completeParameters(*method, choice.parameters);
    Json applying = Json::object();
    for (const Parameter& parameter : method->parameters)
      if (quantization::meetsCondition(parameter.appliesWhen, all))
        applying[parameter.key] = all.at(parameter.key);
    return applying;
  } catch (const base::Error&) {
    return choice.parameters;
  }
}

std::string labelOf(const MethodDescription* method, const std::string& use) {
  return method ? method->shortLabel : use;
}

std::string valueText(const Json& value) {
  if (value.is_boolean())
    return value.get<bool>() ? "on" : "off";
  if (value.is_number_float())
    return base::formatNumber(value.get<double>());
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Lowers the first letter of a label for use after a comma: "Damping" but not "KV ...".
std::string uncapitalized(std::string label) {
  const auto lower = [&](size_t i) { return std::islower(static_cast<unsigned char>(label[i])) != 0; };
  if (label.size() > 1 && lower(1))
    label[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(label[0])));
  return label;
}

/// Returns ", damping 0.02" for every setting that is not the default and not in `shown`.
std::string otherSettings(const MethodDescription* method, const MethodChoice& choice,
                          const std::set<std::string>& shown) {
  std::string text;
  if (!method)
    return text;
  const Json values = effective(method, choice);
  for (const Parameter& parameter : method->parameters)
    if (values.contains(parameter.key) && !shown.contains(parameter.key) &&
        values.at(parameter.key) != parameter.defaultValue)
      text += ", " + uncapitalized(parameter.label) + " " + valueText(values.at(parameter.key));
  return text;
}

/// Returns the grid as text: "4-bit g128 asymmetric", "8-bit per channel", "NF4 group 64".
std::string gridText(const MethodDescription* method, const MethodChoice& choice) {
  const Json values = effective(method, choice);
  if (choice.use != "affine") {
    try {
      return quantization::describeGrid(*quantization::makeGrid(choice.use, choice.parameters));
    } catch (const base::Error&) {
      return choice.use;
    }
  }
  std::string text = (values.contains("bits") ? valueText(values.at("bits")) : "?") + "-bit";
  if (values.contains("groupSize"))
    text += " g" + valueText(values.at("groupSize"));
  else
    text += " per channel";
  return text + (values.value("symmetric", Json(true)) == Json(true) ? "" : " asymmetric");
}

bool looksAtData(const MethodDescription* method, const Json& parameters) {
  try {
    return method && quantization::needsCalibration(*method, parameters);
  } catch (const base::Error&) {
    return method->needsCalibration;
  }
}

bool isCalibrated(const Recipe& recipe, const Descriptions& methods) {
  using quantization::MethodKind;
  bool any =
      looksAtData(methods.find(MethodKind::Rounding, recipe.rounding.use), recipe.rounding.parameters) ||
      looksAtData(methods.find(MethodKind::Activations, recipe.activations.use),
                  recipe.activations.parameters);
  for (const MethodChoice& transform : recipe.transforms)
    any = any || looksAtData(methods.find(MethodKind::Transform, transform.use), transform.parameters);
  for (const quantization::Override& override : recipe.policy.overrides) {
    const MethodChoice inputs = quantization::withChanges(recipe.activations, override.activations);
    any = any || looksAtData(methods.find(MethodKind::Activations, inputs.use), inputs.parameters);
  }
  return any;
}

std::string calibrationText(const calibration::CalibrationOptions& options) {
  const calibration::CalibrationOptions usual;
  std::string text;
  const auto add = [&](bool differs, const std::string& what) { text += differs ? ", " + what : ""; };
  add(options.samples != usual.samples, std::to_string(options.samples) + " samples");
  add(options.length != usual.length, "length " + std::to_string(options.length));
  add(options.sampling != usual.sampling, std::string(toString(options.sampling)) + " sampling");
  add(options.seed != usual.seed, "seed " + std::to_string(options.seed));
  add(options.packing != usual.packing, "packing " + std::string(toString(options.packing)));
  add(options.chatTemplate != usual.chatTemplate,
      "chat template " + std::string(toString(options.chatTemplate)));
  return text;
}

std::string policyText(const quantization::Policy& policy) {
  const quantization::Policy usual;
  std::string text;
  if (policy.keep != usual.keep) {
    text += ", keeps";
    for (const std::string& pattern : policy.keep)
      text += " " + pattern;
    text += policy.keep.empty() ? " nothing" : "";
  }
  if (!policy.overrides.empty())
    text += ", " + std::to_string(policy.overrides.size()) +
            (policy.overrides.size() == 1 ? " override" : " overrides");
  return text;
}

/// Returns the non-default runtime settings as text: "int8 inputs", "static int8 inputs", "int4 cache".
std::string runtimeText(const Recipe& recipe, const Descriptions& methods) {
  std::string text;
  if (recipe.activations.use != "none") {
    const auto* method = methods.find(quantization::MethodKind::Activations, recipe.activations.use);
    const Json values = effective(method, recipe.activations);
    text += std::string(values.value("mode", Json()) == Json("static") ? ", static " : ", ") +
            recipe.activations.use + " inputs" + otherSettings(method, recipe.activations, {"mode"});
  }
  if (recipe.kvCache.use != "f16")
    text += ", " + recipe.kvCache.use + " cache" +
            otherSettings(methods.find(quantization::MethodKind::KvCache, recipe.kvCache.use), recipe.kvCache,
                          {});
  return text;
}

/// Cuts the text at a comma if it is too long.
std::string bounded(std::string text) {
  if (text.size() <= kMostBytes)
    return text;
  text.resize(kMostBytes - 5);
  const size_t comma = text.rfind(", ");
  if (comma != std::string::npos && comma > 0)
    text.resize(comma);
  return text + ", ...";
}

Json normalized(const Recipe& recipe, const Descriptions& methods) {
  using quantization::MethodKind;
  const auto choice = [&](MethodKind kind, const MethodChoice& given) {
    return Json{{"use", given.use}, {"parameters", effective(methods.find(kind, given.use), given)}};
  };
  Json json = quantization::toJson(recipe);
  json.erase("name");
  json["transforms"] = Json::array();
  for (const MethodChoice& transform : recipe.transforms)
    json["transforms"].push_back(choice(MethodKind::Transform, transform));
  json["rounding"] = choice(MethodKind::Rounding, recipe.rounding);
  json["grid"] = choice(MethodKind::Grid, recipe.grid);
  json["activations"] = choice(MethodKind::Activations, recipe.activations);
  json["kvCache"] = choice(MethodKind::KvCache, recipe.kvCache);
  if (!isCalibrated(recipe, methods))
    json.erase("calibration");
  return json;
}

} // namespace

std::string recipeName(const Recipe& recipe, const quantization::MethodCatalog& catalog) {
  using quantization::MethodKind;
  const Descriptions methods(catalog);
  std::string label, settings;
  for (const MethodChoice& choice : recipe.transforms) {
    const MethodDescription* transform = methods.find(MethodKind::Transform, choice.use);
    label += (label.empty() ? "" : " + ") + labelOf(transform, choice.use);
    settings += otherSettings(transform, choice, {});
  }
  const MethodDescription* rounding = methods.find(MethodKind::Rounding, recipe.rounding.use);
  if (label.empty() || recipe.rounding.use != "rtn")
    label += (label.empty() ? "" : " + ") + labelOf(rounding, recipe.rounding.use);
  settings += otherSettings(rounding, recipe.rounding, {});
  const MethodDescription* grid = methods.find(MethodKind::Grid, recipe.grid.use);
  settings +=
      otherSettings(grid, recipe.grid, {"bits", "granularity", "groupSize", "symmetric", "doubleQuant"});
  if (isCalibrated(recipe, methods))
    settings += calibrationText(recipe.calibration);
  return bounded(label + " " + gridText(grid, recipe.grid) + runtimeText(recipe, methods) +
                 policyText(recipe.policy) + settings);
}

std::string settingsText(const Recipe& recipe, const quantization::MethodCatalog& methods) {
  return normalized(recipe, Descriptions(methods)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool areEquivalent(const Recipe& a, const Recipe& b, const quantization::MethodCatalog& methods) {
  return settingsText(a, methods) == settingsText(b, methods);
}

std::string uniqueName(const std::string& name, const std::function<bool(const std::string&)>& isTaken) {
  std::string candidate = name;
  for (int number = 2; isTaken(candidate); ++number)
    candidate = name + " (" + std::to_string(number) + ")";
  return candidate;
}

} // namespace nibblesmith::workflow
