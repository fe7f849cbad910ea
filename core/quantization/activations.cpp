// SPDX-License-Identifier: Apache-2.0
#include "quantization/activations.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "runtime/token_embedding.hpp"
#include "tensor/bf16_matrix.hpp"
#include "tensor/gemm.hpp"
#include "tensor/int8_blocks.hpp"

#include <algorithm>
#include <atomic>
#include <string>

namespace nibblesmith::quantization {

namespace {

using tensor::Bf16Matrix;
using tensor::Int8Blocks;
using tensor::Matrix;
using tensor::Vector;

/// Inputs of a stage in the formats that its linears multiply; each format is computed once.
class StageInputs {
public:
  /// factors [inFeatures]: multiplied into the channels first; empty: none.
  StageInputs(const Bf16Matrix& x, const Vector& factors) : m_x(x), m_factors(factors) {}

  const Int8Blocks& codes() {
    if (m_codes.rows() == 0)
      m_codes = Int8Blocks(m_x, m_factors);
    return m_codes;
  }
  /// Returns the inputs quantized by the linear's scheme.
  const Bf16Matrix& rounded(const DenseLinear& linear) {
    if (m_scheme != linear.input) {
      Matrix values = tensor::widened(m_x);
      if (m_factors.size() > 0)
        values.array().rowwise() *= m_factors.transpose().array();
      tensor::roundInputValues(*linear.input, values.data(), values.rows(), values.cols(), linear.name,
                               values.data());
      m_rounded = tensor::narrowed(values);
      m_scheme = linear.input;
    }
    return m_rounded;
  }

private:
  const Bf16Matrix& m_x;
  const Vector& m_factors;
  Int8Blocks m_codes;
  Bf16Matrix m_rounded;
  std::optional<tensor::ActivationScheme> m_scheme; ///< scheme of m_rounded
};

/// Linear in calibration format: 8-bit codes by blocks. Linears with quantized inputs use bf16 instead,
/// because coding the inputs a second time would add another rounding error.
class StageLinear {
public:
  explicit StageLinear(const DenseLinear& linear) : m_linear(linear) {
    if (linear.input)
      m_narrow = tensor::narrowed(linear.weights);
    else
      m_codes = Int8Blocks(linear.weights);
  }

  /// Computes y [tokens, outFeatures] = x W^T + b in slices of output features, small enough to stop in time.
  void apply(StageInputs& inputs, int64_t tokens, const std::stop_token& stop, Matrix& y) const {
    constexpr int64_t kMultiplyAdds = int64_t{1} << 32;
    const int64_t n = m_linear.weights.cols(), rows = m_linear.weights.rows();
    const int64_t piece = std::max<int64_t>(64, kMultiplyAdds / std::max<int64_t>(1, tokens * n));
    y.resize(tokens, rows);
    for (int64_t o = 0; o < rows; o += piece) {
      base::throwIfStopped(stop);
      const int64_t end = std::min(rows, o + piece);
      if (m_linear.input)
        tensor::bf16GemmNT(tokens, end - o, n, inputs.rounded(m_linear).data(), n, m_narrow.row(o).data(), n,
                           y.data() + o, rows);
      else
        Int8Blocks::multiplyNT(inputs.codes(), m_codes, o, end, y.data() + o, rows);
    }
    if (m_linear.bias.size() > 0)
      y.rowwise() += m_linear.bias.transpose();
  }

private:
  const DenseLinear& m_linear;
  Int8Blocks m_codes;
  Bf16Matrix m_narrow;
};

/// Linears of a stage in calibration format.
class StageLinears {
public:
  /// scales [inFeatures]: divided out of the input channels first; empty: none.
  StageLinears(std::span<const DenseLinear> linears, const Vector& scales)
      : m_factors(scales.cwiseInverse()) {
    for (const DenseLinear& linear : linears) {
      m_linears.emplace_back(linear);
      m_multiplyAdds += static_cast<double>(linear.weights.size());
    }
  }

  double multiplyAddsPerToken() const { return m_multiplyAdds; }
  /// outputs: one [tokens, outFeatures] per linear.
  void apply(const Bf16Matrix& inputs, std::vector<Matrix>& outputs, const std::stop_token& stop) const {
    outputs.resize(m_linears.size());
    StageInputs stageInputs(inputs, m_factors);
    for (size_t i = 0; i < outputs.size(); ++i)
      m_linears[i].apply(stageInputs, inputs.rows(), stop, outputs[i]);
  }

private:
  std::vector<StageLinear> m_linears;
  Vector m_factors;
  double m_multiplyAdds = 0;
};

/// Runs a stage whose tokens are independent in tiles of tokens, which keeps intermediate values in the L2
/// cache. Returns the inputs of the next stage.
Bf16Matrix runTokenTiles(const runtime::BlockGraph& graph, int stage, const StageLinears& linears,
                         const Bf16Matrix& inputs, const std::stop_token& stop) {
  constexpr int64_t kTokens = 128;
  Bf16Matrix next;
  std::vector<Matrix> outputs;
  runtime::SequenceState state;
  for (int64_t begin = 0; begin < inputs.rows(); begin += kTokens) {
    linears.apply(inputs.middleRows(begin, std::min(kTokens, inputs.rows() - begin)), outputs, stop);
    graph.finishStage(stage, outputs, state);
    next.resize(inputs.rows(), state.input.cols());
    tensor::f32ToBf16(state.input.data(), next.row(begin).data(), state.input.size());
  }
  return next;
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
      m_ropes.emplace(length, runtime::ropeTables(config, length, 0, length));
  }
  if (!spillDirectory.empty()) {
    m_file = std::make_unique<base::ScratchFile>(spillDirectory);
    const auto inputsAt = static_cast<uint64_t>(m_tokens * config.hiddenSize) * sizeof(float);
    m_hidden = {*m_file, 0, m_lengths, config.hiddenSize};
    m_inputs = {*m_file, inputsAt, m_lengths, widestInput(config)};
    if (config.parallelBranches)
      m_pending = {*m_file,
                   inputsAt + static_cast<uint64_t>(m_tokens * widestInput(config)) * sizeof(uint16_t),
                   m_lengths, config.intermediateSize};
  }
  forEachSequence(pool, stop, [&](size_t s) { m_hidden.put(s, embedding.rows(set.sequences[s], 0)); });
}

double Activations::bytes(const model::ModelConfig& config, double tokens) {
  const int64_t pending = config.parallelBranches ? config.intermediateSize : 0;
  return tokens *
         static_cast<double>(config.hiddenSize * static_cast<int64_t>(sizeof(float)) +
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
    for (int64_t tokens = 0; end < m_lengths.size() && (end == begin || tokens + m_lengths[end] <= kTokens);
         ++end)
      tokens += m_lengths[end];
    std::vector<Bf16Matrix> buffers(end - begin);
    std::vector<const Bf16Matrix*> inputs;
    for (size_t s = begin; s < end; ++s)
      inputs.push_back(&m_inputs.read(s, buffers[s - begin]));
    visit(inputs);
    begin = end;
  }
}

void Activations::beginBlock(const runtime::BlockGraph& graph, base::ThreadPool& pool,
                             const std::stop_token& stop) {
  forEachSequence(pool, stop, [&](size_t s) {
    runtime::SequenceState state;
    state.hidden = m_hidden.take(s);
    graph.begin(state);
    m_hidden.restore(s, std::move(state.hidden));
    m_inputs.put(s, tensor::narrowed(state.input));
  });
}

void Activations::runStage(const runtime::BlockGraph& graph, int stage, std::span<const DenseLinear> linears,
                           const Vector& scales, base::ThreadPool& pool, const std::stop_token& stop,
                           const Done& done) {
  const StageLinears stageLinears(linears, scales);
  std::atomic<bool> anyPending = false;
  const auto runWhole = [&](size_t s) {
    std::vector<Matrix> outputs;
    stageLinears.apply(m_inputs.take(s), outputs, stop);
    runtime::SequenceState state;
    state.hidden = m_hidden.take(s);
    runtime::StepContext step;
    step.ropes = &m_ropes.at(m_lengths[s]);
    step.bf16Attention = true;
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
  };
  forEachSequence(pool, stop, [&](size_t s) {
    if (graph.tokensIndependent(stage))
      m_inputs.put(s, runTokenTiles(graph, stage, stageLinears, m_inputs.take(s), stop));
    else
      runWhole(s);
    done(stageLinears.multiplyAddsPerToken() * static_cast<double>(m_lengths[s]));
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
