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

class KvRows;
class RopeTable;

/// Where a step stands in its sequence and what it may use. By default the step is the whole sequence, and
/// the calling thread does all the work.
struct StepContext {
  int64_t position = 0; ///< of the step's first token
  KvRows* keys = nullptr; ///< of the layer: read below position, written from it on; null: the step is all there is
  KvRows* values = nullptr;
  const RopeTable* rope = nullptr;  ///< of the step's positions, where the caller has it already
  base::ThreadPool* pool = nullptr;
};

/// What the channels of a stage's input are proportional to, so that dividing it divides them.
struct InputSource {
  enum class Kind { AttentionNorm, MlpNorm, Linear };
  Kind kind = Kind::AttentionNorm;
  model::LinearRole linear = model::LinearRole::Value; ///< where kind is Linear: its output rows
  std::vector<int64_t> channels; ///< [inFeatures]: the norm's channel or the linear's row behind each input channel
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
  std::span<const model::LinearRole> stageLinears(int stage) const {
    return m_stages[static_cast<size_t>(stage)];
  }

  InputSource inputSource(int stage) const;

  /// From state.hidden [tokens, hiddenSize] to the input of stage 0.
  void begin(SequenceState& state, const StepContext& step = {}) const;
  /// outputs[i] [tokens, outFeatures] of stageLinears(stage)[i]; sets state.input for the next stage, and
  /// state.hidden where the stage ends a residual branch.
  void finishStage(int stage, std::span<const tensor::Matrix> outputs, SequenceState& state,
                   const StepContext& step = {}) const;

private:
  void attend(std::span<const tensor::Matrix> outputs, SequenceState& state, const StepContext& step) const;

  model::ModelConfig m_config;
  tensor::Vector m_attentionNorm;
  tensor::Vector m_mlpNorm;
  std::vector<std::vector<model::LinearRole>> m_stages;
};

} // namespace nibblesmith::runtime
