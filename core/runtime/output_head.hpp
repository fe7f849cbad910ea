// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/linear.hpp"
#include "runtime/norm_layer.hpp"

namespace nibblesmith::runtime {

/// Last part of a model: final norm, output head and logit soft cap. Immutable; safe for concurrent use.
class OutputHead {
public:
  OutputHead(const model::Model& model, const model::LinearWeights& head, WeightStorage storage);

  /// Computes logits [hidden.rows(), vocabularySize] from the residual stream after the last block.
  void logits(const tensor::Matrix& hidden, float* logits, base::ThreadPool& pool) const;
  int64_t vocabularySize() const { return m_linear->outFeatures(); }
  /// Number of bytes of the head's weights and of the norm's weights.
  uint64_t linearBytes() const { return m_linear->weightBytes(); }
  uint64_t normBytes() const { return m_norm.bytes(); }

private:
  NormLayer m_norm;
  std::unique_ptr<Linear> m_linear;
  float m_cap;
};

} // namespace nibblesmith::runtime
