// SPDX-License-Identifier: Apache-2.0
#include "recipe_options.hpp"

#include "base/join.hpp"

#include "calibration/calibration_set.hpp"
#include "quantization/activation_plan.hpp"
#include "quantization/kv_cache.hpp"
#include "quantization/recipe.hpp"
#include "workflow/recipe_name.hpp"

#include <cctype>
#include <map>
#include <set>

namespace nibblesmith::nsmith {

namespace {

using quantization::MethodDescription;
using quantization::MethodKind;
using quantization::Parameter;

/// Returns the flag of a parameter's key: "--damp-fraction" for "dampFraction".
std::string flagOf(const std::string& key) {
  std::string flag;
  for (const char c : key) {
    if (std::isupper(static_cast<unsigned char>(c))) {
      flag += '-';
      flag += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else {
      flag += c;
    }
  }
  return flag;
}

/// Returns the flag of a method's parameter. Those of activations and the KV cache have a prefix, because
/// grids have some of the same keys.
std::string flagOf(const MethodDescription& method, const Parameter& parameter) {
  const char* prefix = method.kind == MethodKind::Activations ? "activation-"
                       : method.kind == MethodKind::KvCache   ? "kv-cache-"
                                                              : "";
  return prefix + flagOf(parameter.key);
}

std::vector<MethodDescription> allMethods(const workflow::Services& services) {
  std::vector<MethodDescription> methods = quantization::gridDescriptions();
  for (const MethodDescription& activations : quantization::activationDescriptions())
    methods.push_back(activations);
  if (services.methods)
    for (MethodDescription& method : services.methods->methods())
      methods.push_back(std::move(method));
  return methods;
}

base::Json valueOf(const Parameter& parameter, const std::string& text) {
  // Numbers and true/false are JSON; a choice may be an unquoted word.
  const base::Json value = base::Json::parse(text, nullptr, false);
  const bool isText =
      value.is_discarded() || (parameter.type == quantization::ParameterType::Choice &&
                               !parameter.choices.empty() && parameter.choices[0].is_string());
  return isText ? base::Json(text) : value;
}

void applyFlags(const Invocation& call, const MethodDescription& method, base::Json& parameters) {
  for (const Parameter& parameter : method.parameters)
    if (const std::string flag = flagOf(method, parameter); call.has(flag))
      parameters[parameter.key] = valueOf(parameter, call.text(flag));
}

/// Returns the method of a recipe's field. Throws UsageError if the name comes from the flag, otherwise
/// base::Error with the recipe's file and the field.
const MethodDescription& describe(const Invocation& call, const std::vector<MethodDescription>& methods,
                                  const char* flag, const char* field, const std::string& name) {
  for (const MethodDescription& method : methods)
    if (method.name == name)
      return method;
  const std::string what =
      ": expected one of " + base::join(methods, ", ", &MethodDescription::name) + ", found '" + name + "'";
  if (call.has(flag))
    throw UsageError("--" + std::string(flag) + what);
  throw base::Error(base::ErrorCode::InvalidArgument,
                    "recipe '" + call.text("recipe", "") + "': '" + field + "'" + what);
}

/// Applies --method and --transform to the recipe.
void chooseMethods(const Invocation& call, const std::vector<MethodDescription>& methods,
                   quantization::Recipe& recipe) {
  if (call.has("method") &&
      describe(call, methods, "method", "rounding.use", call.text("method")).kind == MethodKind::Transform) {
    recipe.transforms = {{call.text("method"), base::Json::object()}};
    recipe.rounding = {"rtn", base::Json::object()};
  } else if (call.has("method") && call.text("method") != recipe.rounding.use) {
    recipe.rounding = {call.text("method"), base::Json::object()};
  }
  if (!call.has("transform"))
    return;
  recipe.transforms.clear();
  if (call.text("transform") != "none")
    recipe.transforms = {{call.text("transform"), base::Json::object()}};
}

/// Refuses flags that no chosen method has, because they would have no effect.
void refuseForeignFlags(const Invocation& call, const std::vector<MethodDescription>& methods,
                        const std::set<std::string>& chosen) {
  std::map<std::string, std::string> owners;
  std::set<std::string> usable;
  for (const MethodDescription& method : methods)
    for (const Parameter& parameter : method.parameters) {
      owners.emplace(flagOf(method, parameter), method.name);
      if (chosen.contains(method.name))
        usable.insert(flagOf(method, parameter));
    }
  for (const auto& [flag, owner] : owners)
    if (call.has(flag) && !usable.contains(flag))
      throw UsageError("--" + flag + " belongs to '" + owner + "', which the recipe does not use");
}

/// Applies --kv-cache and the flags of its parameters to the recipe.
void chooseCache(const Invocation& call, quantization::MethodChoice& choice) {
  const auto& methods = quantization::kvCacheDescriptions();
  if (call.has("kv-cache") && call.text("kv-cache") != choice.use)
    choice = {call.text("kv-cache"), base::Json::object()};
  const MethodDescription& method = describe(call, methods, "kv-cache", "kvCache.use", choice.use);
  applyFlags(call, method, choice.parameters);
  for (const MethodDescription& other : methods)
    for (const Parameter& parameter : other.parameters)
      if (const std::string flag = flagOf(other, parameter); call.has(flag) && method.parameters.empty())
        throw UsageError("--" + flag + " belongs to '" + other.name + "', which the recipe does not use");
}

} // namespace

void addCalibrationOptions(QCommandLineParser& parser) {
  addOption(parser, "samples", "N", "Calibration sequences (128).");
  addOption(parser, "length", "N", "Tokens of one calibration sequence (512).");
  addOption(parser, "window", "N", "The same, for a file of raw ids (.i32).");
  addOption(parser, "sampling", "HOW",
            "random, first, or diverse: k-means over the model's own embeddings (random).");
  addOption(parser, "seed", "N", "Seed of the random or diverse sample (1).");
  addOption(parser, "packing", "HOW",
            "sequence: prompts one after the other until it is full; none: one prompt each (sequence).");
  addOption(parser, "chat-template", "WHAT",
            "What the model's chat template is applied to: chats, all prompts, or none (chats).");
}

calibration::CalibrationOptions calibrationFromOptions(const Invocation& call,
                                                       calibration::CalibrationOptions calibration) {
  calibration.samples = call.integer("samples", calibration.samples, 1);
  calibration.length = call.integer("window", call.integer("length", calibration.length, 2), 2);
  const auto name = [&](const char* option, std::string_view fallback) {
    return call.text(option, std::string(fallback));
  };
  calibration.sampling =
      calibration::samplingFrom(name("sampling", toString(calibration.sampling)), "calibration");
  calibration.seed = static_cast<uint64_t>(call.integer("seed", static_cast<int64_t>(calibration.seed)));
  calibration.packing =
      calibration::packingFrom(name("packing", toString(calibration.packing)), "calibration");
  calibration.chatTemplate = calibration::chatTemplateUseFrom(
      name("chat-template", toString(calibration.chatTemplate)), "calibration");
  return calibration;
}

void addRecipeOptions(QCommandLineParser& parser, const workflow::Services& services) {
  addOption(parser, "recipe", "FILE", "Recipe as JSON; flags given beside it take precedence.");
  addOption(parser, "method", "NAME",
            "Rounding method, or a transform before rounding to nearest (see 'nsmith methods').");
  addOption(parser, "transform", "NAME",
            "What changes the weights before they are rounded; 'none' takes the recipe's away.");
  addOption(parser, "grid", "NAME",
            "Grid that weights are rounded onto: affine, nf4, fp4, log or learned (see 'nsmith methods').");
  addOption(parser, "activations", "NAME",
            "How inputs of the quantized layers are rounded: none, int8, int4 or llm.int8.");
  addOption(parser, "name", "TEXT", "Name of the result in the experiment log.");
  addCalibrationOptions(parser);
  addOption(parser, "kv-cache", "NAME", "How keys and values are kept: f16, int8, int4 or f32 (f16).");
  std::set<std::string> cacheFlags;
  for (const MethodDescription& method : quantization::kvCacheDescriptions())
    for (const Parameter& parameter : method.parameters)
      if (const std::string flag = flagOf(method, parameter); cacheFlags.insert(flag).second)
        parser.addOption(QCommandLineOption(QString::fromStdString(flag),
                                            QString::fromStdString("Key-value cache: " + parameter.help),
                                            QStringLiteral("VALUE")));
  std::set<std::string> seen;
  for (const MethodDescription& method : allMethods(services))
    for (const Parameter& parameter : method.parameters)
      if (const std::string flag = flagOf(method, parameter); seen.insert(flag).second)
        parser.addOption(
            QCommandLineOption(QString::fromStdString(flag),
                               QString::fromStdString(method.label + ": " + parameter.help + " (" +
                                                      parameter.defaultValue.dump() + ")"),
                               QStringLiteral("VALUE")));
}

std::string nameOf(const Invocation& call, const quantization::Recipe& original,
                   const quantization::Recipe& recipe) {
  if (call.has("name"))
    return call.text("name");
  const quantization::MethodCatalog& methods = *call.services().methods;
  if (!original.name.empty() && workflow::areEquivalent(original, recipe, methods))
    return original.name;
  const std::string name = workflow::recipeName(recipe, methods);
  return name == original.name ? name + " (modified)" : name;
}

quantization::Recipe recipeFromOptions(const Invocation& call) {
  const std::vector<MethodDescription> methods = allMethods(call.services());
  quantization::Recipe recipe;
  if (call.has("recipe"))
    recipe = quantization::readRecipe(call.text("recipe"));
  else if (!call.has("method"))
    throw UsageError("expected --recipe FILE or --method NAME, found neither");
  const quantization::Recipe original = recipe;
  chooseMethods(call, methods, recipe);
  if (call.has("grid") && call.text("grid") != recipe.grid.use)
    recipe.grid = {call.text("grid"), base::Json::object()};
  const MethodDescription& rounding = describe(call, methods, "method", "rounding.use", recipe.rounding.use);
  const MethodDescription& grid = describe(call, methods, "grid", "grid.use", recipe.grid.use);
  std::set<std::string> chosen = {rounding.name, grid.name};
  for (quantization::MethodChoice& choice : recipe.transforms) {
    const MethodDescription& transform = describe(call, methods, "transform", "transforms.use", choice.use);
    applyFlags(call, transform, choice.parameters);
    chosen.insert(transform.name);
  }
  if (call.has("activations") && call.text("activations") != recipe.activations.use)
    recipe.activations = {call.text("activations"), base::Json::object()};
  if (recipe.activations.use != "none") {
    const MethodDescription& activations =
        describe(call, methods, "activations", "activations.use", recipe.activations.use);
    applyFlags(call, activations, recipe.activations.parameters);
    chosen.insert(activations.name);
  }
  refuseForeignFlags(call, methods, chosen);
  applyFlags(call, rounding, recipe.rounding.parameters);
  applyFlags(call, grid, recipe.grid.parameters);
  recipe.calibration = calibrationFromOptions(call, recipe.calibration);
  chooseCache(call, recipe.kvCache);
  recipe.name = nameOf(call, original, recipe);
  return recipe;
}

} // namespace nibblesmith::nsmith
