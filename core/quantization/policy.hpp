// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/recipe.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace nibblesmith::quantization {

/// Returns true if a glob ('*': any characters, '?': one character) matches a canonical name, with or without
/// its prefix "model.": "layers.0.mlp.*" matches "model.layers.0.mlp.up_proj".
bool matchesName(std::string_view pattern, std::string_view name);

/// Returns the grid of one linear layer: the recipe's grid, with the parameters of every matching override
/// applied in order. An override with another "use" replaces the grid and starts from that grid's defaults.
/// Empty if the policy keeps the layer in its stored format.
std::optional<MethodChoice> gridFor(const Recipe& recipe, const std::string& name);
/// Returns the input quantization of that layer, resolved by the same rules.
MethodChoice activationsFor(const Recipe& recipe, const std::string& name);
/// Applies the changes of an override to a choice.
MethodChoice withChanges(MethodChoice choice, base::Json changes);

} // namespace nibblesmith::quantization
