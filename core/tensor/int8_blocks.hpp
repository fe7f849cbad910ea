// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <vector>

namespace nibblesmith::tensor {

/// The rows of a matrix as symmetric 8-bit codes with a scale for each block of a row, so that one large
/// value costs only its own block precision. llama.cpp multiplies activations like this (its block_q8_K, of
/// 256 values).
class Int8Blocks {
public:
  Int8Blocks() = default;
  /// The nearest code of each value, ties to even. A block that holds NaN or infinity has NaN as its scale,
  /// and so has all that it is multiplied with.
  explicit Int8Blocks(const Matrix& values);
  /// Of the values times `factors` [columns]; empty: as they are.
  explicit Int8Blocks(const Bf16Matrix& values, const Vector& factors = {});

  int64_t rows() const { return m_rows; }
  int64_t columns() const { return m_columns; }

  /// y[x.rows(), end - begin] = x W^T of W's rows from begin to end, added up block after block in f32; ldy:
  /// from one row of y to the next. Both have the same columns. Single-threaded, the same on every processor.
  static void multiplyNT(const Int8Blocks& x, const Int8Blocks& W, int64_t begin, int64_t end, float* y,
                         int64_t ldy);

private:
  Int8Blocks(int64_t rows, int64_t columns);
  void setRow(int64_t row, const float* values);

  int64_t m_rows = 0;
  int64_t m_columns = 0;
  int64_t m_block = 0;         ///< columns of every block but the last
  std::vector<int8_t> m_codes; ///< [rows, columns]
  Matrix m_scales;             ///< [blocks, rows]
};

} // namespace nibblesmith::tensor
