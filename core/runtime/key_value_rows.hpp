// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <vector>

namespace nibblesmith::runtime {

/// Rows of floats, `stride` apart.
struct HeadRows {
  const float* data;
  int64_t stride;
};

/// The keys, or the values, of one layer as attention reads them. Reading: any thread.
class KeyValueRows {
public:
  virtual ~KeyValueRows() = default;
  /// Rows [from, from + count) of one key-value head, each of headDim values; unpacked into `scratch` where
  /// they are not floats.
  virtual HeadRows head(int64_t head, int64_t from, int64_t count, std::vector<float>& scratch) const = 0;
};

/// A matrix [tokens, numKeyValueHeads * headDim], which has to outlive this.
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
