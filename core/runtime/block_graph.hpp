// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/norm_layer.hpp"
#include "runtime/operations.hpp"

#include <span>
#include <vector>

namespace nibblesmith::runtime {

/// Activations of one sequence while it passes through a block.
struct SequenceState {
  tensor::Matrix hidden; ///< [tokens, hiddenSize], the residual stream
  tensor::Matrix input;  ///< [tokens, inFeatures], shared input of the linears of the next stage
  /// [tokens, intermediateSize], input of the stage after the next. Used only between the first two stages of
  /// blocks whose branches share one norm; empty otherwise.
  tensor::Matrix pending;
};

class KvRows;

/// Position and resources of one step. By default the step is the whole sequence and runs on the calling
/// thread.
struct StepContext {
  int64_t position = 0; ///< position of the step's first token
  /// Cached keys of the layer: positions before `position` are read, later ones are written. Null: the step
  /// is the whole sequence.
  KvRows* keys = nullptr;
  KvRows* values = nullptr;
  /// Rope tables for the step's positions, see ropeTables(); null: computed here.
  const std::vector<RopeTable>* ropes = nullptr;
  base::ThreadPool* pool = nullptr;
  bool bf16Attention = false; ///< use bf16CausalAttention(); only if the step is the whole sequence
};

/// Layer whose output channels are proportional to the channels of a stage's input. Dividing its channel by s
/// divides the input channel by s.
struct InputSource {
  /// None: no layer qualifies, because the input follows an activation without gate.
  enum class Kind { Norm, Linear, None };
  Kind kind = Kind::None;
  /// Norm to scale (Kind::Norm), weight and bias.
  model::NormRole norm = model::NormRole::Attention;
  size_t linear = 0; ///< for Kind::Linear: index in BlockWeights::linears; its output rows and bias scale
  /// [inFeatures]: the channel of the norm, or the row of the linear, that produces each input channel.
  std::vector<int64_t> channels;
};

/// Decoder block without its linear layers: a chain of stages, each with a set of linears that share one
/// input. The caller runs the linears between the steps: the decoder with packed weights, the quantization
/// engine while it replaces them. The linears of the block define the stages: {q,k,v}, {o}, {gate,up}, {down}
/// for Llama; a fused linear counts as one; {q,k,v,up}, {o}, {down} if parallel branches share a norm
/// (Phi-2).
///
///   graph.begin(state);
///   for (stage...) { outputs = linears(state.input); graph.finishStage(stage, outputs, state); }
///
/// Immutable. Safe for concurrent use on different states.
class BlockGraph {
public:
  /// Throws base::Error{InvalidArgument} if norms or linears are missing or contradict each other.
  BlockGraph(const model::ModelConfig& config, const model::BlockWeights& block);

  /// Number of stages.
  int stageCount() const { return static_cast<int>(m_stages.size()); }
  /// Indices in BlockWeights::linears of the stage's linears, ascending.
  std::span<const size_t> stageLinears(int stage) const {
    return m_stages[static_cast<size_t>(stage)].linears;
  }

  /// Returns the layer that scales of the stage's input can be folded into.
  InputSource inputSource(int stage) const;
  /// Returns true if finishStage() treats every token independently and leaves state.hidden unchanged, so
  /// that the rows of a sequence may be processed in any order.
  bool tokensIndependent(int stage) const { return m_stages[static_cast<size_t>(stage)].kind == Kind::Mlp; }

  /// Computes the input of stage 0 from state.hidden [tokens, hiddenSize].
  void begin(SequenceState& state, const StepContext& step = {}) const;
  /// Finishes a stage: outputs[i] [tokens, outFeatures] is the output of linear stageLinears(stage)[i]. Sets
  /// state.input for the next stage, and updates state.hidden if the stage ends a residual branch.
  void finishStage(int stage, std::span<const tensor::Matrix> outputs, SequenceState& state,
                   const StepContext& step = {}) const;
  /// Number of bytes that the norms occupy.
  uint64_t normBytes() const;

private:
  enum class Kind { Attention, Output, Mlp, Down };
  struct Stage {
    Kind kind;
    std::vector<size_t> linears;
    std::vector<model::LinearRole> roles; ///< role of each linear
  };
  using Outputs = std::span<const tensor::Matrix>;

  const NormLayer* norm(model::NormRole role) const;
  bool branchesShareNorm() const { return m_config.parallelBranches && !norm(model::NormRole::Mlp); }
  /// Returns the output of the stage's linear with this role; null if the stage has none.
  static const tensor::Matrix* output(const Stage& stage, Outputs outputs, model::LinearRole role);
  void attend(const Stage& stage, Outputs outputs, SequenceState& state, const StepContext& step) const;
  void activateMlp(const Stage& stage, Outputs outputs, tensor::Matrix& out, const StepContext& step) const;
  /// Adds a branch's output to the residual stream, normalized first if the block has a norm for it.
  void addBranch(const tensor::Matrix& output, model::NormRole role, SequenceState& state,
                 const StepContext& step) const;
  /// Returns, for each channel of the attention output, the row of the value (or fused) projection that
  /// produces it.
  std::vector<int64_t> valueRows(bool fused) const;

  model::ModelConfig m_config;
  size_t m_attentionIndex;
  AttentionShape m_attention;
  std::vector<std::pair<model::NormRole, NormLayer>> m_norms;
  std::vector<Stage> m_stages;
};

} // namespace nibblesmith::runtime
