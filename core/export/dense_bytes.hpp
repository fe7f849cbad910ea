// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/tensor_view.hpp"

#include <string>
#include <vector>

namespace nibblesmith::exporting {

/// Returns the type of an unquantized tensor in an artifact: F32 for F64, F16 for GGUF block types and 8-bit
/// floats, otherwise the stored type.
tensor::DType artifactType(tensor::DType stored);

/// Converts the tensor to `type` (its own type, F32 or F16). Throws base::Error{Numerical} naming `name` if a
/// value overflows f16.
std::vector<std::byte> denseBytes(const tensor::TensorView& tensor, tensor::DType type,
                                  const std::string& name);

/// Converts f32 values to f16 bytes, out[2 * count]. Throws base::Error{Numerical} naming `name` if a value
/// overflows f16.
void toF16Bytes(const float* values, int64_t count, std::byte* out, const std::string& name);

} // namespace nibblesmith::exporting
