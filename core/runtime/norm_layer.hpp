// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "tensor/matrix.hpp"

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::runtime {

/// Norm with its weights in f32, see model::Norm. Immutable; safe for concurrent use.
class NormLayer {
public:
  /// size: expected number of weights. Throws base::Error{InvalidArgument} on another number, {Numerical} on
  /// NaN or infinity; both with the norm's name.
  NormLayer(const model::Norm& norm, const model::NormWeights& weights, int64_t size);

  /// Normalizes each row of x [rows, size]; `out` is resized to match. The result does not depend on `pool`.
  void apply(const tensor::Matrix& x, tensor::Matrix& out, base::ThreadPool* pool) const;
  /// Normalizes each head of x [tokens, heads * size] in place.
  void applyToHeads(tensor::Matrix& x, base::ThreadPool* pool) const;
  /// Number of bytes of the weights in memory.
  uint64_t bytes() const { return static_cast<uint64_t>(m_weight.size() + m_bias.size()) * sizeof(float); }

private:
  void applyRows(const float* x, int64_t rows, float* out, base::ThreadPool* pool) const;

  model::Norm m_norm;
  tensor::Vector m_weight; ///< with the offset added
  tensor::Vector m_bias;   ///< empty: no bias
};

} // namespace nibblesmith::runtime
