// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "calibration/calibration_set.hpp"
#include "quantization/parameters.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

/// Method with its parameters: { "use": "gptq", "dampFraction": 0.01 }.
struct MethodChoice {
  std::string use = "none";
  base::Json parameters = base::Json::object(); ///< without "use"; omitted parameters have their defaults

  bool operator==(const MethodChoice&) const = default;
};

/// Returns the choice with defaults for omitted parameters. Throws like completeParameters().
MethodChoice completeChoice(const MethodDescription& method, const MethodChoice& given);

/// Exception for tensors whose name matches a pattern. Given grid parameters replace the recipe's; a "use"
/// among them selects another grid, whose omitted parameters have their defaults. `activations` changes the
/// input quantization by the same rules.
struct Override {
  std::string match; ///< glob for canonical names: "layers.0.mlp.*"
  base::Json grid = base::Json::object();
  base::Json activations = base::Json::object();
  bool operator==(const Override&) const = default;
};

/// Exceptions from the recipe's choices, by tensor name.
struct Policy {
  /// Globs of tensors that keep their stored format.
  std::vector<std::string> keep = {"lm_head", "embed_tokens"};
  std::vector<Override> overrides;
  bool operator==(const Policy&) const = default;
};

/// Independent choices that together make a quantization method. JSON schema version 1.
struct Recipe {
  std::string name;
  std::vector<MethodChoice> transforms;
  MethodChoice rounding{"rtn", base::Json::object()};
  MethodChoice grid{"affine", base::Json::object()};
  MethodChoice activations;
  MethodChoice kvCache{"f16",
                       base::Json::object()}; ///< Name, or object with "use"; see kvCacheDescriptions().
  Policy policy;
  calibration::CalibrationOptions calibration;

  bool operator==(const Recipe&) const = default;
};

/// Parses a recipe. Throws base::Error{InvalidArgument} with origin and field for an unknown schema, an
/// unknown key or a wrong type.
Recipe recipeFromJson(const base::Json& json, const std::string& origin);
/// Reads a recipe file. Throws like recipeFromJson(), and base::Error{NotFound, Io}.
Recipe readRecipe(const std::filesystem::path& path);
/// Converts to the JSON form that recipeFromJson() reads.
base::Json toJson(const Recipe& recipe);

} // namespace nibblesmith::quantization
