// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/tensor_view.hpp"

#include <string>

namespace nibblesmith::runtime {

/// Throws base::Error{Numerical} with tensor and position if a weight is NaN or infinite. Checks only
/// exponents and block scales where that suffices.
void requireFiniteWeights(const tensor::TensorView& weights, const std::string& name);

} // namespace nibblesmith::runtime
