// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/input_range.hpp"
#include "quantization/parameters.hpp"
#include "quantization/recipe.hpp"
#include "tensor/activation_scheme.hpp"

#include <optional>
#include <vector>

namespace nibblesmith::quantization {

/// How the inputs of the quantized linears are rounded: the recipe's field "activations".
struct ActivationPlan {
  std::string use;
  tensor::ActivationScheme
      scheme; ///< where it is static, without scale and zero point: those belong to a layer
  calibration::RangeOptions range; ///< how a static scale is found
  bool dynamicWhereWide =
      false; ///< a layer whose inputs one static scale is too coarse for gets one for each token
};

/// int8, int4 and llm.int8, with their parameters.
const std::vector<MethodDescription>& activationDescriptions();

/// The description of `use`. Throws base::Error{NotFound} naming what there is.
const MethodDescription& activationDescription(const std::string& use);

/// Nothing for "none". Throws base::Error{NotFound, InvalidArgument} naming the field.
std::optional<ActivationPlan> makeActivationPlan(const MethodChoice& choice);

} // namespace nibblesmith::quantization
