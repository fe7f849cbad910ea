// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/recipe.hpp"

#include <filesystem>
#include <vector>

namespace nibblesmith::workflow {

/// Returns the named presets of the recipe form ("GPTQ 4-bit", ...), from resources/recipes.
std::vector<quantization::Recipe> builtInRecipes(const std::filesystem::path& resources);

} // namespace nibblesmith::workflow
