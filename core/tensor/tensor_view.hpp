// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/dtype.hpp"
#include "tensor/matrix.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace nibblesmith::tensor {

/// Non-owning view of a row-major tensor in its stored format, usually in a memory-mapped file. `owner` keeps
/// the bytes alive.
struct TensorView {
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;

  /// Number of elements: the product of all dimensions.
  int64_t elements() const;
  /// Number of rows of a matrix; 1 for a vector.
  int64_t rows() const { return shape.size() < 2 ? 1 : shape[0]; }
  /// Number of elements per row: the product of all dimensions after the first.
  int64_t cols() const;
  /// Returns shape and type: "[576, 1536] F16".
  std::string describe() const;
};

/// Converts rows [begin, end) to f32 into out[end-begin, cols], dequantizing block types. The bytes may have
/// any alignment. Throws base::Error{NotSupported} for integer types.
void readRows(const TensorView& tensor, int64_t begin, int64_t end, float* out);
/// Converts the whole tensor to f32: toMatrix() to [rows, cols], toVector() to a flat vector. Both throw like
/// readRows().
Matrix toMatrix(const TensorView& tensor);
Vector toVector(const TensorView& tensor);

/// Moves a matrix into a view that owns its values.
TensorView ownedView(Matrix values);

/// Throws base::Error{Numerical} with `name` and the first position of a NaN or infinite value.
void requireFinite(std::span<const float> values, int64_t cols, const std::string& name);

} // namespace nibblesmith::tensor
