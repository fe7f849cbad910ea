// SPDX-License-Identifier: Apache-2.0
#include "runtime/block_graph.hpp"

#include "base/error.hpp"
#include "runtime/kv_cache.hpp"
#include "runtime/operations.hpp"

#include <optional>

namespace nibblesmith::runtime {

namespace {

using model::LinearRole;

/// The stages of Llama's block, by number.
enum Stage : int { kQueryKeyValue, kOutput, kGateUp, kDown };

tensor::Vector readNorm(const tensor::TensorView& norm, int64_t hiddenSize, const char* name) {
  if (norm.elements() != hiddenSize)
    throw base::Error(base::ErrorCode::InvalidArgument, std::string(name) + ": expected " +
                                                            std::to_string(hiddenSize) + " values, found " +
                                                            norm.describe());
  tensor::Vector values = tensor::toVector(norm);
  tensor::requireFinite({values.data(), static_cast<size_t>(values.size())}, hiddenSize, name);
  return values;
}

} // namespace

BlockGraph::BlockGraph(const model::ModelConfig& config, const model::BlockWeights& block)
    : m_config(config), m_attentionNorm(readNorm(block.attentionNorm, config.hiddenSize, "attention norm")),
      m_mlpNorm(readNorm(block.mlpNorm, config.hiddenSize, "MLP norm")),
      m_stages{{LinearRole::Query, LinearRole::Key, LinearRole::Value},
               {LinearRole::Output},
               {LinearRole::Gate, LinearRole::Up},
               {LinearRole::Down}} {}

InputSource BlockGraph::inputSource(int stage) const {
  InputSource source;
  const int64_t inputs = stage == kOutput ? m_config.numHeads * m_config.headDim
                         : stage == kDown ? m_config.intermediateSize
                                          : m_config.hiddenSize;
  const int64_t queriesPerValue = m_config.numHeads / m_config.numKeyValueHeads;
  for (int64_t i = 0; i < inputs; ++i)
    source.channels.push_back(
        stage == kOutput ? i / m_config.headDim / queriesPerValue * m_config.headDim + i % m_config.headDim : i);
  if (stage == kGateUp)
    source.kind = InputSource::Kind::MlpNorm;
  if (stage == kOutput || stage == kDown)
    source.kind = InputSource::Kind::Linear;
  if (stage == kDown)
    source.linear = LinearRole::Up;
  return source;
}

void BlockGraph::begin(SequenceState& state, const StepContext& step) const {
  rmsNorm(state.hidden, m_attentionNorm, m_config.normEpsilon, state.input, step.pool);
}

void BlockGraph::finishStage(int stage, std::span<const tensor::Matrix> outputs, SequenceState& state,
                             const StepContext& step) const {
  if (stage < 0 || stage >= stageCount() || outputs.size() != stageLinears(stage).size())
    throw base::Error(base::ErrorCode::InvalidArgument, "stage " + std::to_string(stage) + ": found " +
                                                            std::to_string(outputs.size()) +
                                                            " outputs of linears");
  switch (stage) {
  case kQueryKeyValue:
    attend(outputs, state, step);
    return;
  case kOutput:
    state.hidden += outputs[0];
    rmsNorm(state.hidden, m_mlpNorm, m_config.normEpsilon, state.input, step.pool);
    return;
  case kGateUp:
    siluMultiply(outputs[0], outputs[1], state.input, step.pool);
    return;
  default:
    state.hidden += outputs[0];
  }
}

void BlockGraph::attend(std::span<const tensor::Matrix> outputs, SequenceState& state,
                        const StepContext& step) const {
  const int64_t tokens = outputs[0].rows();
  std::optional<RopeTable> ownRope;
  if (!step.rope)
    ownRope.emplace(m_config, step.position, tokens);
  const RopeTable& rope = step.rope ? *step.rope : *ownRope;
  tensor::Matrix queries = outputs[0];
  tensor::Matrix keys = outputs[1];
  rope.apply(queries, step.pool);
  rope.apply(keys, step.pool);
  if (!step.keys) {
    causalAttention(m_config, queries, MatrixRows(keys, m_config.headDim), MatrixRows(outputs[2], m_config.headDim), 0,
                    state.input, step.pool);
    return;
  }
  step.keys->write(step.position, keys);
  step.values->write(step.position, outputs[2]);
  causalAttention(m_config, queries, *step.keys, *step.values, step.position, state.input, step.pool);
}

} // namespace nibblesmith::runtime
