// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "runtime/key_value_rows.hpp"
#include "tensor/matrix.hpp"

#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

/// The decoder's operations besides its linear layers and norms: one implementation for whoever runs a model.
/// Each takes an optional pool; results do not depend on it.
namespace nibblesmith::runtime {

/// Cosines and sines of the rotary angles of some consecutive positions, as transformers computes them:
/// inverse frequencies theta^(-2i/dimensions) / divisors[i] and angles in f32. Source: RoFormer (Su et al.
/// 2021), eq. 15.
class RopeTable {
public:
  /// context: tokens that the sequence has room for, see model::Rotary::divisorsFor().
  RopeTable(const model::Rotary& rotary, int64_t headDim, int64_t context, int64_t position, int64_t count);
  /// Rotates the heads of x [count, heads * headDim] in half-split order: pairs (i, i + dimensions / 2).
  void apply(tensor::Matrix& x, base::ThreadPool* pool) const;
  int64_t count() const { return m_cosines.rows(); }

private:
  int64_t m_headDim;
  tensor::Matrix m_cosines; ///< [count, dimensions / 2]
  tensor::Matrix m_sines;
};

/// One for each of config.attention.
std::vector<RopeTable> ropeTables(const model::ModelConfig& config, int64_t context, int64_t position,
                                  int64_t count);

/// x [tokens, features] of the positions from `position` on: where those are p >= from, times log(p + 1) /
/// log(from). Source: Qwen's modeling_qwen.py (logn_tensor); Su 2021, "From entropy invariance to scaled
/// attention".
void scaleByLogPosition(int64_t from, int64_t position, tensor::Matrix& x);

/// out = f(x).
void activate(model::Activation f, const tensor::Matrix& x, tensor::Matrix& out, base::ThreadPool* pool);

/// out = f(gate) * up. Source: Shazeer 2020, "GLU variants improve transformer", eq. 6.
void activateMultiply(model::Activation f, const tensor::Matrix& gate, const tensor::Matrix& up,
                      tensor::Matrix& out, base::ThreadPool* pool);

/// x := cap tanh(x / cap). Source: Bello et al. 2016 (arXiv 1611.09940), section 5.1; Gemma 2 (arXiv
/// 2408.00118), section 2.
void softCap(float cap, float* x, int64_t count);

/// The attention of one layer, as far as the keys do not say it.
struct AttentionShape {
  int64_t numHeads = 0;
  int64_t numKeyValueHeads = 0;
  int64_t headDim = 0;
  float scale = 0;    ///< of the products
  float softCap = 0;  ///< 0: none
  int64_t window = 0; ///< 0: all positions
};
AttentionShape attentionShape(const model::ModelConfig& config, int64_t layer);

/// Causal attention with grouped key-value heads: queries [tokens, numHeads * headDim] at `position` and
/// after see the keys and values of all positions up to their own, or of the newest `window` ones.
/// out [tokens, numHeads * headDim].
/// Source: Ainslie et al. 2023, "GQA"; Beltagy et al. 2020, "Longformer", section 3.1 (windows).
void causalAttention(const AttentionShape& shape, const tensor::Matrix& queries, const KeyValueRows& keys,
                     const KeyValueRows& values, int64_t position, tensor::Matrix& out,
                     base::ThreadPool* pool);

/// The same of a whole sequence, with queries, keys, values and the softmax's weights as bf16 values, their
/// products added up in f32: about twice as fast where the processor has instructions for them. keys, values
/// [tokens, numKeyValueHeads * headDim]. For calibration; single-threaded.
void bf16CausalAttention(const AttentionShape& shape, const tensor::Matrix& queries,
                         const tensor::Matrix& keys, const tensor::Matrix& values, tensor::Matrix& out);

} // namespace nibblesmith::runtime
