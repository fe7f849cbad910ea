// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "calibration/calibration_set.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

/// A method and its parameters: { "use": "gptq", "dampFraction": 0.01 }.
struct MethodChoice {
  std::string use = "none";
  base::Json parameters = base::Json::object(); ///< without "use"; what is left out takes its default

  bool operator==(const MethodChoice&) const = default;
};

/// What tensors matching a pattern get instead: the grid's parameters given here replace the recipe's; "use"
/// among them chooses another grid, whose parameters are then all given here or their defaults. The same for
/// how their inputs are rounded.
struct Override {
  std::string match; ///< glob on the canonical name: "layers.0.mlp.*"
  base::Json grid = base::Json::object();
  base::Json activations = base::Json::object();
  bool operator==(const Override&) const = default;
};

struct Policy {
  std::vector<std::string> keep = {"lm_head", "embed_tokens"}; ///< globs of what stays as stored
  std::vector<Override> overrides;
  bool operator==(const Policy&) const = default;
};

/// The independent choices that make a quantization method. A value; JSON schema version 1.
struct Recipe {
  std::string name;
  std::vector<MethodChoice> transforms;
  MethodChoice rounding{"rtn", base::Json::object()};
  MethodChoice grid{"affine", base::Json::object()};
  MethodChoice activations;
  MethodChoice kvCache{"f16",
                       base::Json::object()}; ///< a name, or an object with "use"; see kvCacheDescriptions()
  Policy policy;
  calibration::CalibrationOptions calibration;

  bool operator==(const Recipe&) const = default;
};

/// Throws base::Error{InvalidArgument} naming origin and field: unknown schema, unknown key, wrong type.
Recipe recipeFromJson(const base::Json& json, const std::string& origin);
Recipe readRecipe(const std::filesystem::path& path);
base::Json toJson(const Recipe& recipe);

} // namespace nibblesmith::quantization
