// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "tensor/matrix.hpp"

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::runtime {

/// A norm with its weights in f32: see model::Norm. Immutable; any thread.
class NormLayer {
public:
  /// size: expected number of weights. Throws base::Error{InvalidArgument} on another one, {Numerical} on NaN
  /// or infinity; both name the norm.
  NormLayer(const model::Norm& norm, const model::NormWeights& weights, int64_t size);

  /// x [rows, size] by row; out gets its shape.
  void apply(const tensor::Matrix& x, tensor::Matrix& out, base::ThreadPool* pool) const;
  /// Each head of x [tokens, heads * size] in place.
  void applyToHeads(tensor::Matrix& x, base::ThreadPool* pool) const;
  uint64_t bytes() const { return static_cast<uint64_t>(m_weight.size() + m_bias.size()) * sizeof(float); }

private:
  void applyRows(const float* x, int64_t rows, float* out, base::ThreadPool* pool) const;

  model::Norm m_norm;
  tensor::Vector m_weight; ///< offset included
  tensor::Vector m_bias;   ///< empty: none
};

} // namespace nibblesmith::runtime
