// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/recipe.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace nibblesmith::quantization {

/// Whether a glob ('*': any characters, '?': one) matches a canonical name, with or without its "model." in
/// front: "layers.0.mlp.*" matches "model.layers.0.mlp.up_proj".
bool matchesName(std::string_view pattern, std::string_view name);

/// The grid for one linear layer: the recipe's, with the parameters of every matching override put over its
/// own in order. An override with "use" chooses that grid, and where it is another than the one so far starts
/// from its defaults. Nothing where the policy keeps the layer as it is stored.
std::optional<MethodChoice> gridFor(const Recipe& recipe, const std::string& name);
/// How the inputs of that layer are rounded where it is quantized, found in the same way.
MethodChoice activationsFor(const Recipe& recipe, const std::string& name);
/// A choice with the changes of an override put over it.
MethodChoice changed(MethodChoice choice, base::Json changes);

} // namespace nibblesmith::quantization
