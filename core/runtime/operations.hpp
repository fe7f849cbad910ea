// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "runtime/key_value_rows.hpp"
#include "tensor/matrix.hpp"

namespace nibblesmith::base {
class ThreadPool;
}

/// The decoder's operations besides its linear layers: one implementation for whoever runs a model. Each
/// takes an optional pool; results do not depend on it.
namespace nibblesmith::runtime {

/// Cosines and sines of the rotary angles of some consecutive positions, as transformers computes them:
/// inverse frequencies theta^(-2i/headDim) and angles in f32. Source: RoFormer (Su et al. 2021), eq. 15.
class RopeTable {
public:
  RopeTable(const model::ModelConfig& config, int64_t position, int64_t count);
  /// Rotates the heads of x [count, heads * headDim] in half-split order: pairs (i, i + headDim / 2).
  void apply(tensor::Matrix& x, base::ThreadPool* pool) const;
  int64_t count() const { return m_cosines.rows(); }

private:
  tensor::Matrix m_cosines; ///< [count, headDim / 2]
  tensor::Matrix m_sines;
};

/// out = weight * x / sqrt(mean(x^2) + epsilon) by row. Source: Zhang and Sennrich 2019, eq. 4.
void rmsNorm(const tensor::Matrix& x, const tensor::Vector& weight, float epsilon, tensor::Matrix& out,
             base::ThreadPool* pool);

/// out = silu(gate) * up. Source: Shazeer 2020, "GLU variants improve transformer", eq. 6.
void siluMultiply(const tensor::Matrix& gate, const tensor::Matrix& up, tensor::Matrix& out,
                  base::ThreadPool* pool);

/// Causal attention with grouped key-value heads: queries [tokens, numHeads * headDim] at `position` and
/// after see the keys and values of all positions up to their own. out [tokens, numHeads * headDim].
/// Source: Ainslie et al. 2023, "GQA".
void causalAttention(const model::ModelConfig& config, const tensor::Matrix& queries, const KeyValueRows& keys,
                     const KeyValueRows& values, int64_t position, tensor::Matrix& out, base::ThreadPool* pool);

} // namespace nibblesmith::runtime
