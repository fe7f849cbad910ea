// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/tensor_view.hpp"

#include <string>
#include <vector>

namespace nibblesmith::exporting {

/// How an unquantized tensor is written in an artifact: float types as they are, f64 as f32, GGUF block types
/// as f16.
tensor::DType artifactType(tensor::DType stored);

/// The tensor's values as `type` (its own type, F32 or F16). Throws base::Error{Numerical} naming `name`
/// where a value does not fit f16.
std::vector<std::byte> denseBytes(const tensor::TensorView& tensor, tensor::DType type,
                                  const std::string& name);

/// f32 values as f16 bytes into out[2 * count]. Throws as above.
void toF16Bytes(const float* values, int64_t count, std::byte* out, const std::string& name);

} // namespace nibblesmith::exporting
