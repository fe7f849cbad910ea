// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/recipe.hpp"
#include "quantization/rounding.hpp"

#include <functional>
#include <string>

namespace nibblesmith::workflow {

/// Returns a name that describes a recipe: methods, grid, and every other setting that is not the default.
/// "AWQ + GPTQ 3-bit g128 asymmetric, static int8 inputs, damping 0.02, 64 samples". At most 120 bytes; two
/// recipes with many settings may get the same name.
std::string recipeName(const quantization::Recipe& recipe, const quantization::MethodCatalog& methods);

/// Returns the settings of a recipe as text, without its name; equal for recipes that do the same. Contains
/// the defaults of omitted settings, and calibration settings only if a method uses calibration data.
std::string settingsText(const quantization::Recipe& recipe, const quantization::MethodCatalog& methods);

/// True if two recipes do the same; ignores their names.
bool areEquivalent(const quantization::Recipe& a, const quantization::Recipe& b,
                   const quantization::MethodCatalog& methods);

/// Returns `name`, or the first of "name (2)", "name (3)", ... that is not taken.
std::string uniqueName(const std::string& name, const std::function<bool(const std::string&)>& isTaken);

} // namespace nibblesmith::workflow
