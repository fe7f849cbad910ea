// SPDX-License-Identifier: Apache-2.0
#include "runtime/block_graph.hpp"

#include "base/error.hpp"
#include "runtime/fused_outputs.hpp"
#include "runtime/kv_cache.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

namespace nibblesmith::runtime {

using model::LinearRole;
using model::NormRole;
using tensor::Matrix;

namespace {

[[noreturn]] void refuse(const model::BlockWeights& block, const std::string& what) {
  throw base::Error(base::ErrorCode::InvalidArgument,
                    "decoder block " + std::to_string(block.index) + ": " + what);
}

int64_t normSize(const model::ModelConfig& config, NormRole role) {
  return role == NormRole::Query || role == NormRole::Key ? config.headDim : config.hiddenSize;
}

} // namespace

BlockGraph::BlockGraph(const model::ModelConfig& config, const model::BlockWeights& block)
    : m_config(config), m_attentionIndex(config.attentionIndex(block.index)),
      m_attention(attentionShape(config, block.index)) {
  for (const model::NormWeights& weights : block.norms)
    m_norms.emplace_back(weights.role, NormLayer(config.norm, weights, normSize(config, weights.role)));
  const auto add = [&](Kind kind, std::initializer_list<LinearRole> roles) {
    Stage stage{kind, {}, {}};
    for (size_t i = 0; i < block.linears.size(); ++i)
      if (std::find(roles.begin(), roles.end(), block.linears[i].role) != roles.end()) {
        stage.linears.push_back(i);
        stage.roles.push_back(block.linears[i].role);
      }
    if (stage.linears.empty())
      refuse(block, "expected linears for attention and MLP, found an incomplete set");
    m_stages.push_back(std::move(stage));
  };
  if (branchesShareNorm()) {
    add(Kind::Attention, {LinearRole::Query, LinearRole::Key, LinearRole::Value, LinearRole::QueryKeyValue,
                          LinearRole::Gate, LinearRole::Up, LinearRole::GateUp});
  } else {
    add(Kind::Attention, {LinearRole::Query, LinearRole::Key, LinearRole::Value, LinearRole::QueryKeyValue});
  }
  add(Kind::Output, {LinearRole::Output});
  if (!branchesShareNorm())
    add(Kind::Mlp, {LinearRole::Gate, LinearRole::Up, LinearRole::GateUp});
  add(Kind::Down, {LinearRole::Down});
  if (!norm(NormRole::Attention) || (!m_config.parallelBranches && !norm(NormRole::Mlp)))
    refuse(block, "expected norms before attention and MLP, found an incomplete set");
  const auto has = [&](LinearRole role) { return block.find(role) != nullptr; };
  const bool split = has(LinearRole::Query) && has(LinearRole::Key) && has(LinearRole::Value);
  if (split == has(LinearRole::QueryKeyValue) || has(LinearRole::Up) == has(LinearRole::GateUp))
    refuse(block, "expected query, key, value and up projections, each exactly once");
}

const NormLayer* BlockGraph::norm(NormRole role) const {
  const auto found =
      std::find_if(m_norms.begin(), m_norms.end(), [&](const auto& norm) { return norm.first == role; });
  return found == m_norms.end() ? nullptr : &found->second;
}

uint64_t BlockGraph::normBytes() const {
  uint64_t bytes = 0;
  for (const auto& [role, layer] : m_norms)
    bytes += layer.bytes();
  return bytes;
}

const Matrix* BlockGraph::output(const Stage& stage, Outputs outputs, LinearRole role) {
  const auto found = std::find(stage.roles.begin(), stage.roles.end(), role);
  return found == stage.roles.end() ? nullptr : &outputs[static_cast<size_t>(found - stage.roles.begin())];
}

std::vector<int64_t> BlockGraph::valueRows(bool fused) const {
  const int64_t queriesPerValue = m_config.numHeads / m_config.numKeyValueHeads, d = m_config.headDim;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < m_config.numHeads * d; ++i) {
    const int64_t head = i / d / queriesPerValue;
    rows.push_back((fused ? fusedRow(m_config, FusedPart::Value, head) : head * d) + i % d);
  }
  return rows;
}

InputSource BlockGraph::inputSource(int stage) const {
  InputSource source;
  const Stage& here = m_stages[static_cast<size_t>(stage)];
  const Kind kind = here.kind;
  const auto linearOf =
      [&](std::initializer_list<LinearRole> roles) -> std::optional<std::pair<size_t, LinearRole>> {
    for (const Stage& other : m_stages)
      for (size_t i = 0; i < other.roles.size(); ++i)
        if (std::find(roles.begin(), roles.end(), other.roles[i]) != roles.end())
          return std::pair(other.linears[i], other.roles[i]);
    return std::nullopt;
  };
  if (kind == Kind::Output) {
    const auto value = *linearOf({LinearRole::Value, LinearRole::QueryKeyValue});
    source.kind = InputSource::Kind::Linear;
    source.linear = value.first;
    source.channels = valueRows(value.second == LinearRole::QueryKeyValue);
    return source;
  }
  source.channels.resize(
      static_cast<size_t>(kind == Kind::Down ? m_config.intermediateSize : m_config.hiddenSize));
  const bool gateUp = linearOf({LinearRole::GateUp}).has_value();
  std::iota(source.channels.begin(), source.channels.end(),
            kind == Kind::Down && gateUp ? m_config.intermediateSize : 0);
  if (kind != Kind::Down) {
    source.kind = InputSource::Kind::Norm;
    source.norm = kind == Kind::Mlp ? NormRole::Mlp : NormRole::Attention;
  } else if (gateUp || linearOf({LinearRole::Gate})) {
    source.kind = InputSource::Kind::Linear;
    source.linear = linearOf({LinearRole::Up, LinearRole::GateUp})->first;
  }
  return source;
}

void BlockGraph::begin(SequenceState& state, const StepContext& step) const {
  norm(NormRole::Attention)->apply(state.hidden, state.input, step.pool);
}

void BlockGraph::finishStage(int stage, Outputs outputs, SequenceState& state,
                             const StepContext& step) const {
  if (stage < 0 || stage >= stageCount() || outputs.size() != stageLinears(stage).size())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "stage " + std::to_string(stage) + ": expected a stage below " +
                          std::to_string(stageCount()) + " and one output per linear, found " +
                          std::to_string(outputs.size()) + " outputs");
  const Stage& here = m_stages[static_cast<size_t>(stage)];
  const NormLayer* mlpNorm = norm(NormRole::Mlp);
  switch (here.kind) {
  case Kind::Attention:
    if (branchesShareNorm())
      activateMlp(here, outputs, state.pending, step);
    attend(here, outputs, state, step);
    return;
  case Kind::Output:
    if (branchesShareNorm())
      state.input = std::exchange(state.pending, {});
    else if (m_config.parallelBranches)
      mlpNorm->apply(state.hidden, state.input, step.pool);
    addBranch(outputs[0], NormRole::PostAttention, state, step);
    if (!m_config.parallelBranches)
      mlpNorm->apply(state.hidden, state.input, step.pool);
    return;
  case Kind::Mlp:
    activateMlp(here, outputs, state.input, step);
    return;
  case Kind::Down:
    addBranch(outputs[0], NormRole::PostMlp, state, step);
  }
}

void BlockGraph::addBranch(const Matrix& output, NormRole role, SequenceState& state,
                           const StepContext& step) const {
  const NormLayer* post = norm(role);
  if (!post) {
    state.hidden += output;
    return;
  }
  Matrix normed;
  post->apply(output, normed, step.pool);
  state.hidden += normed;
}

void BlockGraph::activateMlp(const Stage& stage, Outputs outputs, Matrix& out,
                             const StepContext& step) const {
  if (const Matrix* fused = output(stage, outputs, LinearRole::GateUp)) {
    const int64_t size = m_config.intermediateSize;
    const Matrix gate = fused->leftCols(size), up = fused->rightCols(size);
    activateMultiply(m_config.activation, gate, up, out, step.pool);
    return;
  }
  const Matrix* gate = output(stage, outputs, LinearRole::Gate);
  const Matrix& up = *output(stage, outputs, LinearRole::Up);
  if (gate)
    activateMultiply(m_config.activation, *gate, up, out, step.pool);
  else
    activate(m_config.activation, up, out, step.pool);
}

void BlockGraph::attend(const Stage& stage, Outputs outputs, SequenceState& state,
                        const StepContext& step) const {
  const Matrix* fused = output(stage, outputs, LinearRole::QueryKeyValue);
  Matrix queries =
      fused ? fusedColumns(m_config, FusedPart::Query, *fused) : *output(stage, outputs, LinearRole::Query);
  Matrix keys =
      fused ? fusedColumns(m_config, FusedPart::Key, *fused) : *output(stage, outputs, LinearRole::Key);
  const Matrix split = fused ? fusedColumns(m_config, FusedPart::Value, *fused) : Matrix();
  const Matrix& values = fused ? split : *output(stage, outputs, LinearRole::Value);
  if (const NormLayer* queryNorm = norm(NormRole::Query))
    queryNorm->applyToHeads(queries, step.pool);
  if (const NormLayer* keyNorm = norm(NormRole::Key))
    keyNorm->applyToHeads(keys, step.pool);

  std::vector<RopeTable> computed;
  if (!step.ropes)
    computed = ropeTables(m_config, step.position + queries.rows(), step.position, queries.rows());
  const RopeTable& rope = (step.ropes ? *step.ropes : computed)[m_attentionIndex];
  rope.apply(queries, step.pool);
  rope.apply(keys, step.pool);
  if (m_config.logNAttentionFrom > 0)
    scaleByLogPosition(m_config.logNAttentionFrom, step.position, queries);
  if (!step.keys) {
    if (step.bf16Attention)
      bf16CausalAttention(m_attention, queries, keys, values, state.input);
    else
      causalAttention(m_attention, queries, MatrixRows(keys, m_config.headDim),
                      MatrixRows(values, m_config.headDim), 0, state.input, step.pool);
    return;
  }
  step.keys->write(step.position, keys);
  step.values->write(step.position, values);
  causalAttention(m_attention, queries, *step.keys, *step.values, step.position, state.input, step.pool);
}

} // namespace nibblesmith::runtime
