// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <vector>

namespace nibblesmith::tensor {

/// Matrix quantized to symmetric 8-bit codes with one f32 scale per block of a row, so that an outlier costs
/// precision only within its own block. llama.cpp quantizes activations the same way (block_q8_K, blocks of
/// 256 values).
class Int8Blocks {
public:
  Int8Blocks() = default;
  /// Quantizes to the nearest codes, ties to even. A block that contains NaN or infinity gets NaN as its
  /// scale, so every product with it is NaN.
  explicit Int8Blocks(const Matrix& values);
  /// Quantizes `values` with column j multiplied by factors[j]; empty factors leave the values unchanged.
  explicit Int8Blocks(const Bf16Matrix& values, const Vector& factors = {});

  int64_t rows() const { return m_rows; }
  int64_t columns() const { return m_columns; }

  /// Computes y[x.rows(), end - begin] = x W^T for rows [begin, end) of W, accumulated block by block in f32.
  /// ldy: elements between consecutive rows of y. Both matrices must have the same number of columns.
  /// Single-threaded; gives the same bits on every processor.
  static void multiplyNT(const Int8Blocks& x, const Int8Blocks& W, int64_t begin, int64_t end, float* y,
                         int64_t ldy);

private:
  Int8Blocks(int64_t rows, int64_t columns);
  void setRow(int64_t row, const float* values);

  int64_t m_rows = 0;
  int64_t m_columns = 0;
  int64_t m_block = 0;         ///< columns per block; the last block may have fewer
  std::vector<int8_t> m_codes; ///< [rows, columns]
  Matrix m_scales;             ///< [blocks, rows]
};

} // namespace nibblesmith::tensor
