// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "tensor/matrix.hpp"

#include <span>
#include <vector>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::runtime {

/// One sequence on its way through a block.
struct SequenceState {
  tensor::Matrix hidden; ///< [tokens, hiddenSize], the residual stream
  tensor::Matrix input;  ///< [tokens, inFeatures], what the linears of the next stage share
};

/// A decoder block without its linear layers: a chain of stages, each a set of linears with one shared input.
/// Whoever owns the linears runs them between the steps; the decoder does so with packed weights, the
/// quantization engine while it replaces them. For Llama: {q,k,v}, {o}, {gate,up}, {down}.
///
///   graph.begin(state);
///   for (stage...) { outputs = linears(state.input); graph.finishStage(stage, outputs, state); }
///
/// Immutable; any thread, on different states at once.
class BlockGraph {
public:
  BlockGraph(const model::ModelConfig& config, const model::BlockWeights& block);

  int stageCount() const { return static_cast<int>(m_stages.size()); }
  std::span<const model::LinearRole> stageLinears(int stage) const { return m_stages[static_cast<size_t>(stage)]; }

  /// From state.hidden [tokens, hiddenSize] at positions 0..tokens-1 to the input of stage 0.
  void begin(SequenceState& state) const;
  /// outputs[i] [tokens, outFeatures] of stageLinears(stage)[i]; sets state.input for the next stage, and
  /// state.hidden where the stage ends a residual branch.
  void finishStage(int stage, std::span<const tensor::Matrix> outputs, SequenceState& state) const;

private:
  model::ModelConfig m_config;
  tensor::Vector m_attentionNorm;
  tensor::Vector m_mlpNorm;
  std::vector<std::vector<model::LinearRole>> m_stages;
};

} // namespace nibblesmith::runtime
