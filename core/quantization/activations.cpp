// SPDX-License-Identifier: Apache-2.0
#include "quantization/activations.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <string>

namespace nibblesmith::quantization {

namespace {

/// x W^T + b in pieces of output features, small enough to see a stop in time.
tensor::Matrix apply(const DenseLinear& linear, const tensor::Matrix& x, const std::stop_token& stop) {
  constexpr int64_t kMultiplyAdds = int64_t{1} << 31;
  const tensor::Matrix& W = linear.weights;
  const int64_t piece = std::max<int64_t>(64, kMultiplyAdds / std::max<int64_t>(1, x.rows() * W.cols()));
  tensor::Matrix y(x.rows(), W.rows());
  for (int64_t o = 0; o < W.rows(); o += piece) {
    base::throwIfStopped(stop);
    tensor::gemmNT(x.rows(), std::min(piece, W.rows() - o), W.cols(), 1.0f, x.data(), x.cols(),
                   W.data() + o * W.cols(), W.cols(), 0.0f, y.data() + o, y.cols());
  }
  if (linear.bias.size() > 0)
    y.rowwise() += linear.bias.transpose();
  return y;
}

} // namespace

Activations::Activations(const model::Model& model, const calibration::CalibrationSet& set, base::ThreadPool& pool,
                         const std::stop_token& stop)
    : m_states(set.sequences.size()) {
  const tensor::TensorView embedding = model.embedding();
  for (const auto& sequence : set.sequences)
    for (const tokenizer::TokenId id : sequence)
      if (id < 0 || id >= embedding.rows())
        throw base::Error(base::ErrorCode::InvalidArgument,
                          "calibration '" + set.source + "': expected token ids below " +
                              std::to_string(embedding.rows()) + ", found " + std::to_string(id));
  pool.parallelFor(static_cast<int64_t>(m_states.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      base::throwIfStopped(stop);
      const auto& sequence = set.sequences[static_cast<size_t>(s)];
      tensor::Matrix& hidden = m_states[static_cast<size_t>(s)].hidden;
      hidden.resize(static_cast<int64_t>(sequence.size()), embedding.cols());
      for (size_t t = 0; t < sequence.size(); ++t)
        tensor::readRows(embedding, sequence[t], sequence[t] + 1, hidden.row(static_cast<int64_t>(t)).data());
    }
  });
  for (const auto& state : m_states) {
    m_tokens += state.hidden.rows();
    m_ropes.try_emplace(state.hidden.rows(), model.config(), 0, state.hidden.rows());
  }
}

std::vector<const tensor::Matrix*> Activations::inputs() const {
  std::vector<const tensor::Matrix*> inputs;
  for (const auto& state : m_states)
    inputs.push_back(&state.input);
  return inputs;
}

tensor::Vector Activations::meanMagnitude(base::ThreadPool& pool, const std::stop_token& stop) const {
  const int64_t channels = m_states.front().input.cols();
  tensor::Vector mean(channels);
  // By channels, each adding up all sequences in their order: the same at any number of threads.
  constexpr int64_t kChannels = 64;
  pool.parallelFor(channels, kChannels, [&](int64_t begin, int64_t end) {
    Eigen::ArrayXd sum = Eigen::ArrayXd::Zero(end - begin);
    for (const auto& state : m_states) {
      base::throwIfStopped(stop);
      sum += state.input.middleCols(begin, end - begin).cwiseAbs().colwise().sum().transpose().cast<double>().array();
    }
    mean.segment(begin, end - begin) = (sum / static_cast<double>(m_tokens)).cast<float>();
  });
  return mean;
}

void Activations::divideInputs(const tensor::Vector& s, base::ThreadPool& pool, const std::stop_token& stop) {
  const Eigen::RowVectorXf factors = s.cwiseInverse().transpose();
  pool.parallelFor(static_cast<int64_t>(m_states.size()), 1, [&](int64_t begin, int64_t end) {
    base::throwIfStopped(stop);
    for (int64_t i = begin; i < end; ++i)
      m_states[static_cast<size_t>(i)].input.array().rowwise() *= factors.array();
  });
}

void Activations::beginBlock(const runtime::BlockGraph& graph, base::ThreadPool& pool, const std::stop_token& stop) {
  pool.parallelFor(static_cast<int64_t>(m_states.size()), 1, [&](int64_t begin, int64_t end) {
    base::throwIfStopped(stop);
    for (int64_t s = begin; s < end; ++s)
      graph.begin(m_states[static_cast<size_t>(s)]);
  });
}

void Activations::runStage(const runtime::BlockGraph& graph, int stage, std::span<const DenseLinear> linears,
                           base::ThreadPool& pool, const std::stop_token& stop, const Done& done) {
  double perToken = 0;
  for (const DenseLinear& linear : linears)
    perToken += static_cast<double>(linear.weights.size());
  pool.parallelFor(static_cast<int64_t>(m_states.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      base::throwIfStopped(stop);
      runtime::SequenceState& state = m_states[static_cast<size_t>(s)];
      std::vector<tensor::Matrix> outputs;
      for (const DenseLinear& linear : linears)
        outputs.push_back(apply(linear, state.input, stop));
      runtime::StepContext step;
      step.rope = &m_ropes.at(state.hidden.rows());
      graph.finishStage(stage, outputs, state, step);
      done(perToken * static_cast<double>(state.hidden.rows()));
    }
  });
}

DenseLinear denseLinear(const model::LinearWeights& linear) {
  DenseLinear dense;
  dense.weights = model::toMatrix(linear.weight);
  if (linear.bias)
    dense.bias = tensor::toVector(*linear.bias);
  return dense;
}

} // namespace nibblesmith::quantization
