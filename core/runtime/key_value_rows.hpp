// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <vector>

namespace nibblesmith::runtime {

/// View of f32 rows with a distance of `stride` elements.
struct HeadRows {
  const float* data;
  int64_t stride;
};

/// Read access to the keys, or the values, of one layer for attention. Safe for concurrent reads.
class KeyValueRows {
public:
  virtual ~KeyValueRows() = default;
  /// Returns rows [from, from + count) of one key-value head, each of headDim values. Other formats than f32
  /// are unpacked into `scratch`.
  virtual HeadRows head(int64_t head, int64_t from, int64_t count, std::vector<float>& scratch) const = 0;
};

/// View of a matrix [tokens, numKeyValueHeads * headDim], which must outlive it.
class MatrixRows final : public KeyValueRows {
public:
  MatrixRows(const tensor::Matrix& rows, int64_t headDim) : m_rows(rows), m_headDim(headDim) {}
  HeadRows head(int64_t head, int64_t from, int64_t, std::vector<float>&) const override {
    return {m_rows.data() + from * m_rows.cols() + head * m_headDim, m_rows.cols()};
  }

private:
  const tensor::Matrix& m_rows;
  int64_t m_headDim;
};

} // namespace nibblesmith::runtime
