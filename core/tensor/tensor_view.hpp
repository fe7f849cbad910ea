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

/// A tensor as it lies in a file: row-major, not copied. `owner` keeps the bytes alive.
struct TensorView {
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;

  int64_t elements() const;
  /// Rows of a matrix; 1 for a vector.
  int64_t rows() const { return shape.size() < 2 ? 1 : shape[0]; }
  /// Elements of one row: the product of all dimensions after the first.
  int64_t cols() const;
  /// "[576, 1536] F16".
  std::string describe() const;
};

/// f32 values of rows [begin, end) into out[end-begin, cols], dequantizing block types. Any alignment of
/// the bytes is allowed. Throws base::Error{NotSupported} for integer types.
void readRows(const TensorView& tensor, int64_t begin, int64_t end, float* out);
Matrix toMatrix(const TensorView& tensor);
Vector toVector(const TensorView& tensor);

/// A copy of a matrix with f32 values, as a view that owns its bytes.
TensorView ownedView(Matrix values);

/// Throws base::Error{Numerical} naming `name` and the first position where a value is NaN or infinite.
void requireFinite(std::span<const float> values, int64_t cols, const std::string& name);

} // namespace nibblesmith::tensor
