// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "runtime/key_value_rows.hpp"
#include "tensor/matrix.hpp"

#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

/// Operations of the decoder other than linear layers and norms, shared by all callers that run a model.
/// `pool` is optional, and the results do not depend on it.
namespace nibblesmith::runtime {

/// Cosines and sines of the rotary angles for consecutive positions, computed in f32 as transformers does:
/// inverse frequencies theta^(-2i/dimensions) / divisors[i], times the position. Source: RoFormer (Su et al.
/// 2021), eq. 15.
class RopeTable {
public:
  /// Computes `count` positions from `position` on. context: capacity of the sequence in tokens, see
  /// model::Rotary::divisorsFor().
  RopeTable(const model::Rotary& rotary, int64_t headDim, int64_t context, int64_t position, int64_t count);
  /// Rotates all heads of x [count, heads * headDim] in half-split order: pairs (i, i + dimensions / 2).
  void apply(tensor::Matrix& x, base::ThreadPool* pool) const;
  int64_t count() const { return m_cosines.rows(); }

private:
  int64_t m_headDim;
  tensor::Matrix m_cosines; ///< [count, dimensions / 2]
  tensor::Matrix m_sines;
};

/// Computes one table per attention variant in config.attention.
std::vector<RopeTable> ropeTables(const model::ModelConfig& config, int64_t context, int64_t position,
                                  int64_t count);

/// Scales the queries x [tokens, features] at positions p >= from by log(p + 1) / log(from); row 0 is at
/// `position`. Source: Qwen's modeling_qwen.py (logn_tensor); Su 2021, "From entropy invariance to scaled
/// attention".
void scaleByLogPosition(int64_t from, int64_t position, tensor::Matrix& x);

/// Computes out = f(x).
void activate(model::Activation f, const tensor::Matrix& x, tensor::Matrix& out, base::ThreadPool* pool);

/// Computes out = f(gate) * up. Source: Shazeer 2020, "GLU variants improve transformer", eq. 6.
void activateMultiply(model::Activation f, const tensor::Matrix& gate, const tensor::Matrix& up,
                      tensor::Matrix& out, base::ThreadPool* pool);

/// Computes x := cap tanh(x / cap) for `count` values. Source: Bello et al. 2016 (arXiv 1611.09940), section
/// 5.1; Gemma 2 (arXiv 2408.00118), section 2.
void softCap(float cap, float* x, int64_t count);

/// Shape and scaling of one layer's attention.
struct AttentionShape {
  int64_t numHeads = 0;
  int64_t numKeyValueHeads = 0;
  int64_t headDim = 0;
  float scale = 0;    ///< factor of the query-key products
  float softCap = 0;  ///< cap of the scaled products; 0: none
  int64_t window = 0; ///< sliding window in tokens; 0: global attention
};
/// Returns the attention shape of a layer.
AttentionShape attentionShape(const model::ModelConfig& config, int64_t layer);

/// Causal grouped-query attention. Queries [tokens, numHeads * headDim] start at `position`. Each attends to
/// the keys and values of all positions up to its own, or of the newest `window` ones. out [tokens, numHeads
/// * headDim]. Source: Ainslie et al. 2023, "GQA"; Beltagy et al. 2020, "Longformer", section 3.1 (sliding
/// windows).
void causalAttention(const AttentionShape& shape, const tensor::Matrix& queries, const KeyValueRows& keys,
                     const KeyValueRows& values, int64_t position, tensor::Matrix& out,
                     base::ThreadPool* pool);

/// Causal attention of a whole sequence in bf16: queries, keys, values and softmax weights are rounded to
/// bf16, products are accumulated in f32. About twice as fast on CPUs with bf16 instructions. keys, values
/// [tokens, numKeyValueHeads * headDim]. Used for calibration; single-threaded.
void bf16CausalAttention(const AttentionShape& shape, const tensor::Matrix& queries,
                         const tensor::Matrix& keys, const tensor::Matrix& values, tensor::Matrix& out);

} // namespace nibblesmith::runtime
