// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/input_range.hpp"
#include "quantization/parameters.hpp"
#include "quantization/recipe.hpp"
#include "tensor/activation_scheme.hpp"

#include <optional>
#include <vector>

namespace nibblesmith::quantization {

/// Quantization of the inputs of linear layers: the recipe's field "activations", resolved.
struct ActivationPlan {
  std::string use;
  /// Scheme of each input. A static scheme has no scale and zero point here; they belong to the layer.
  tensor::ActivationScheme scheme;
  calibration::RangeOptions range; ///< method that determines the range of a static scale
  /// Layers whose inputs are too wide for one static scale use dynamic per-token scales instead.
  bool dynamicFallback = false;
};

/// Returns the descriptions of "int8", "int4" and "llm.int8" with their parameters.
const std::vector<MethodDescription>& activationDescriptions();

/// Returns the description of `use`. Throws base::Error{NotFound} with the known names.
const MethodDescription& activationDescription(const std::string& use);

/// Resolves a choice; returns an empty value for "none". Throws base::Error{NotFound, InvalidArgument} with
/// the field.
std::optional<ActivationPlan> makeActivationPlan(const MethodChoice& choice);

} // namespace nibblesmith::quantization
