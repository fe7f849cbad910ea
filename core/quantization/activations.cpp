// SPDX-License-Identifier: Apache-2.0
#include "quantization/activations.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "runtime/token_embedding.hpp"
#include "tensor/bf16_matrix.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <atomic>
#include <string>

namespace nibblesmith::quantization {

namespace {

using tensor::Bf16Matrix;
using tensor::Matrix;
using tensor::Vector;

/// A stage's inputs as each linear has them; what several have in common is rounded once.
class StageInputs {
public:
  explicit StageInputs(const Bf16Matrix& x) : m_x(x) {}

  const Bf16Matrix& of(const DenseLinear& linear) {
    if (!linear.input)
      return m_x;
    if (m_scheme != linear.input) {
      Matrix values = tensor::widened(m_x);
      tensor::roundInputValues(*linear.input, values.data(), values.rows(), values.cols(), linear.name, values.data());
      m_rounded = tensor::narrowed(values);
      m_scheme = linear.input;
    }
    return m_rounded;
  }

private:
  const Bf16Matrix& m_x;
  std::optional<tensor::ActivationScheme> m_scheme;
  Bf16Matrix m_rounded;
};

/// A linear as the sequences meet it.
struct NarrowLinear {
  Bf16Matrix weights;
  const Vector& bias;
};

/// x W^T + b in pieces of output features, small enough to see a stop in time.
Matrix apply(const NarrowLinear& linear, const Bf16Matrix& x, const std::stop_token& stop) {
  constexpr int64_t kMultiplyAdds = int64_t{1} << 32;
  const Bf16Matrix& W = linear.weights;
  const int64_t piece = std::max<int64_t>(64, kMultiplyAdds / std::max<int64_t>(1, x.size()));
  Matrix y(x.rows(), W.rows());
  for (int64_t o = 0; o < W.rows(); o += piece) {
    base::throwIfStopped(stop);
    tensor::bf16GemmNT(x.rows(), std::min(piece, W.rows() - o), W.cols(), x.data(), x.cols(), W.data() + o * W.cols(),
                       W.cols(), y.data() + o, y.cols());
  }
  if (linear.bias.size() > 0)
    y.rowwise() += linear.bias.transpose();
  return y;
}

/// Channel i divided by scales_i.
Bf16Matrix divided(const Bf16Matrix& inputs, const Vector& scales) {
  Matrix values = tensor::widened(inputs);
  values.array().rowwise() *= scales.cwiseInverse().transpose().array();
  return tensor::narrowed(values);
}

int64_t widestInput(const model::ModelConfig& config) {
  return std::max({config.hiddenSize, config.numHeads * config.headDim, config.intermediateSize});
}

} // namespace

Activations::Activations(const model::Model& model, const calibration::CalibrationSet& set,
                         const std::filesystem::path& spillDirectory, base::ThreadPool& pool,
                         const std::stop_token& stop)
    : m_hidden(set.sequences.size()), m_inputs(set.sequences.size()), m_pending(set.sequences.size()) {
  const model::ModelConfig& config = model.config();
  const runtime::TokenEmbedding embedding(model);
  for (const auto& sequence : set.sequences) {
    embedding.check(sequence, 0, "calibration '" + set.source + "': ");
    const auto length = static_cast<int64_t>(sequence.size());
    m_lengths.push_back(length);
    m_tokens += length;
    if (!m_ropes.contains(length))
      m_ropes.emplace(length, runtime::ropeTables(config, 0, length));
  }
  if (!spillDirectory.empty()) {
    m_file = std::make_unique<base::ScratchFile>(spillDirectory);
    const auto inputsAt = static_cast<uint64_t>(m_tokens * config.hiddenSize) * sizeof(float);
    m_hidden = {*m_file, 0, m_lengths, config.hiddenSize};
    m_inputs = {*m_file, inputsAt, m_lengths, widestInput(config)};
    if (config.parallelBranches)
      m_pending = {*m_file, inputsAt + static_cast<uint64_t>(m_tokens * widestInput(config)) * sizeof(uint16_t), m_lengths,
                   config.intermediateSize};
  }
  forEachSequence(pool, stop, [&](size_t s) {
    m_hidden.put(s, embedding.rows(set.sequences[s], 0));
  });
}

double Activations::bytes(const model::ModelConfig& config, double tokens) {
  const int64_t pending = config.parallelBranches ? config.intermediateSize : 0;
  return tokens * static_cast<double>(config.hiddenSize * static_cast<int64_t>(sizeof(float)) +
                                      (widestInput(config) + pending) * static_cast<int64_t>(sizeof(uint16_t)));
}

void Activations::forEachSequence(base::ThreadPool& pool, const std::stop_token& stop,
                                  const std::function<void(size_t)>& body) {
  pool.parallelFor(std::ssize(m_lengths), 1, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      base::throwIfStopped(stop);
      body(static_cast<size_t>(s));
    }
  });
}

void Activations::visitInputs(const Visit& visit, const std::stop_token& stop) const {
  constexpr int64_t kTokens = 8192;
  for (size_t begin = 0; begin < m_lengths.size();) {
    base::throwIfStopped(stop);
    size_t end = begin;
    for (int64_t tokens = 0; end < m_lengths.size() && (end == begin || tokens + m_lengths[end] <= kTokens); ++end)
      tokens += m_lengths[end];
    std::vector<Bf16Matrix> buffers(end - begin);
    std::vector<const Bf16Matrix*> inputs;
    for (size_t s = begin; s < end; ++s)
      inputs.push_back(&m_inputs.look(s, buffers[s - begin]));
    visit(inputs);
    begin = end;
  }
}

void Activations::beginBlock(const runtime::BlockGraph& graph, base::ThreadPool& pool, const std::stop_token& stop) {
  forEachSequence(pool, stop, [&](size_t s) {
    runtime::SequenceState state;
    state.hidden = m_hidden.take(s);
    graph.begin(state);
    m_hidden.giveBack(s, std::move(state.hidden));
    m_inputs.put(s, tensor::narrowed(state.input));
  });
}

void Activations::runStage(const runtime::BlockGraph& graph, int stage, std::span<const DenseLinear> linears,
                           const Vector& scales, base::ThreadPool& pool, const std::stop_token& stop,
                           const Done& done) {
  std::vector<NarrowLinear> narrow;
  double perToken = 0;
  for (const DenseLinear& linear : linears) {
    narrow.push_back({tensor::narrowed(linear.weights), linear.bias});
    perToken += static_cast<double>(linear.weights.size());
  }
  std::atomic<bool> anyPending = false;
  forEachSequence(pool, stop, [&](size_t s) {
    Bf16Matrix inputs = m_inputs.take(s);
    if (scales.size() > 0)
      inputs = divided(inputs, scales);
    std::vector<Matrix> outputs;
    StageInputs rounded(inputs);
    for (size_t i = 0; i < narrow.size(); ++i)
      outputs.push_back(apply(narrow[i], rounded.of(linears[i]), stop));
    runtime::SequenceState state;
    state.hidden = m_hidden.take(s);
    runtime::StepContext step;
    step.ropes = &m_ropes.at(m_lengths[s]);
    if (m_hasPending)
      state.pending = tensor::widened(m_pending.take(s));
    graph.finishStage(stage, outputs, state, step);
    if (state.pending.size() > 0) {
      m_pending.put(s, tensor::narrowed(state.pending));
      anyPending = true;
    }
    m_hidden.put(s, std::move(state.hidden));
    if (state.input.size() > 0)
      m_inputs.put(s, tensor::narrowed(state.input));
    done(perToken * static_cast<double>(m_lengths[s]));
  });
  m_hasPending = anyPending;
}

DenseLinear denseLinear(const model::LinearWeights& linear) {
  DenseLinear dense;
  dense.weights = model::toMatrix(linear.weight);
  if (linear.bias)
    dense.bias = tensor::toVector(*linear.bias);
  dense.input = linear.input;
  dense.name = linear.name;
  return dense;
}

} // namespace nibblesmith::quantization
