// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/norm_layer.hpp"
#include "runtime/operations.hpp"

#include <span>
#include <vector>

namespace nibblesmith::runtime {

/// One sequence on its way through a block.
struct SequenceState {
  tensor::Matrix hidden; ///< [tokens, hiddenSize], the residual stream
  tensor::Matrix input;  ///< [tokens, inFeatures], what the linears of the next stage share
  /// [tokens, intermediateSize], what the stage after the next will have as its input; empty but between the
  /// first two stages of blocks whose branches share their norm.
  tensor::Matrix pending;
};

class KvRows;

/// Where a step stands in its sequence and what it may use. By default the step is the whole sequence, and
/// the calling thread does all the work.
struct StepContext {
  int64_t position = 0; ///< of the step's first token
  KvRows* keys =
      nullptr; ///< of the layer: read below position, written from it on; null: the step is all there is
  KvRows* values = nullptr;
  const std::vector<RopeTable>* ropes =
      nullptr; ///< ropeTables() of the step's positions, where the caller has them
  base::ThreadPool* pool = nullptr;
  bool bf16Attention = false; ///< bf16CausalAttention(), where the step is the whole sequence
};

/// What the channels of a stage's input are proportional to, so that dividing it divides them.
struct InputSource {
  /// None: the input is no linear function of anything (behind an activation without gate).
  enum class Kind { Norm, Linear, None };
  Kind kind = Kind::None;
  model::NormRole norm = model::NormRole::Attention; ///< where kind is Norm: its weights, and its bias
  size_t linear = 0; ///< where kind is Linear: which of BlockWeights::linears; its output rows, and its bias
  std::vector<int64_t>
      channels; ///< [inFeatures]: the norm's channel or the linear's row behind each input channel
};

/// A decoder block without its linear layers: a chain of stages, each a set of linears with one shared input.
/// Whoever owns the linears runs them between the steps; the decoder does so with packed weights, the
/// quantization engine while it replaces them. Which linears there are decides: {q,k,v}, {o}, {gate,up},
/// {down} for Llama; fused ones are one linear of their stage; {q,k,v,up}, {o}, {down} where parallel
/// branches share a norm (Phi-2).
///
///   graph.begin(state);
///   for (stage...) { outputs = linears(state.input); graph.finishStage(stage, outputs, state); }
///
/// Immutable; any thread, on different states at once.
class BlockGraph {
public:
  /// Throws base::Error{InvalidArgument} where norms or linears are missing or do not go together.
  BlockGraph(const model::ModelConfig& config, const model::BlockWeights& block);

  int stageCount() const { return static_cast<int>(m_stages.size()); }
  /// Of BlockWeights::linears, in their order.
  std::span<const size_t> stageLinears(int stage) const {
    return m_stages[static_cast<size_t>(stage)].linears;
  }

  InputSource inputSource(int stage) const;
  /// Whether finishStage() takes every token by itself and leaves state.hidden alone, so that any rows may go
  /// first.
  bool tokensApart(int stage) const { return m_stages[static_cast<size_t>(stage)].kind == Kind::Mlp; }

  /// From state.hidden [tokens, hiddenSize] to the input of stage 0.
  void begin(SequenceState& state, const StepContext& step = {}) const;
  /// outputs[i] [tokens, outFeatures] of the linear stageLinears(stage)[i]; sets state.input for the next
  /// stage, and state.hidden where the stage ends a residual branch.
  void finishStage(int stage, std::span<const tensor::Matrix> outputs, SequenceState& state,
                   const StepContext& step = {}) const;
  /// Bytes of the norms.
  uint64_t normBytes() const;

private:
  enum class Kind { Attention, Output, Mlp, Down };
  struct Stage {
    Kind kind;
    std::vector<size_t> linears;
    std::vector<model::LinearRole> roles; ///< of the linears
  };
  using Outputs = std::span<const tensor::Matrix>;

  const NormLayer* norm(model::NormRole role) const;
  bool branchesShareNorm() const { return m_config.parallelBranches && !norm(model::NormRole::Mlp); }
  /// The output of the stage's linear with this role; null: it has none.
  static const tensor::Matrix* output(const Stage& stage, Outputs outputs, model::LinearRole role);
  void attend(const Stage& stage, Outputs outputs, SequenceState& state, const StepContext& step) const;
  void activateMlp(const Stage& stage, Outputs outputs, tensor::Matrix& out, const StepContext& step) const;
  /// Adds a branch's output, behind its norm where it has one.
  void addBranch(const tensor::Matrix& output, model::NormRole role, SequenceState& state,
                 const StepContext& step) const;
  /// Row of the value projection, or of the fused one, behind each channel of the attention's output.
  std::vector<int64_t> valueRows(bool fused) const;

  model::ModelConfig m_config;
  size_t m_attentionIndex;
  AttentionShape m_attention;
  std::vector<std::pair<model::NormRole, NormLayer>> m_norms;
  std::vector<Stage> m_stages;
};

} // namespace nibblesmith::runtime
