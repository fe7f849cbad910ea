// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/recipe.hpp"
#include "quantization/rounding.hpp"

#include <functional>
#include <string>

namespace nibblesmith::workflow {

/// A name that says what a recipe does: methods, grid, and every other setting that is not the default.
/// "AWQ + GPTQ 3-bit g128 asymmetric, static int8 inputs, damping 0.02, 64 samples". At most 120 bytes, so
/// two recipes with many settings may have the same one.
std::string recipeName(const quantization::Recipe& recipe, const quantization::MethodCatalog& methods);

/// The settings of a recipe as text, without its name: equal for two recipes that do the same. Settings that
/// are left out are there with their defaults, and calibration only where a method looks at it.
std::string settingsText(const quantization::Recipe& recipe, const quantization::MethodCatalog& methods);

/// Whether two recipes do the same, whatever their names.
bool doTheSame(const quantization::Recipe& a, const quantization::Recipe& b,
               const quantization::MethodCatalog& methods);

/// `name`, or the first of "name (2)", "name (3)", ... that is not taken.
std::string untakenName(const std::string& name, const std::function<bool(const std::string&)>& isTaken);

} // namespace nibblesmith::workflow
