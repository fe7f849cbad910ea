// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/tensor_view.hpp"

#include <string>

namespace nibblesmith::runtime {

/// Refuses NaN and infinite weights, looking at exponents and block scales alone where that is enough.
/// Throws base::Error{Numerical} naming tensor and position.
void requireFiniteWeights(const tensor::TensorView& weights, const std::string& name);

} // namespace nibblesmith::runtime
