// SPDX-License-Identifier: Apache-2.0
#include "quantization/sensitivity.hpp"

#include "base/error_context.hpp"
#include "base/thread_pool.hpp"
#include "quantization/plan.hpp"
#include "quantization/policy.hpp"
#include "runtime/block_graph.hpp"
#include "runtime/output_head.hpp"
#include "runtime/token_embedding.hpp"
#include "tensor/tensor_view.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nibblesmith::quantization {

namespace {

using base::Error;
using base::ErrorCode;
using runtime::Linear;
using tensor::Matrix;

/// Replacement of one linear, and its effect on the linear's outputs.
struct Trial {
  size_t number = 0; ///< index in BlockWeights::linears
  const Linear* linear = nullptr;
  double squaredError = 0;
  double squaredOutput = 0;
};

/// Model with all weights in memory, run on whole sequences block by block.
class Runner {
public:
  Runner(const model::Model& model, base::ThreadPool& pool, const std::stop_token& stop)
      : m_config(model.config()), m_pool(pool), m_stop(stop), m_embedding(model),
        m_head(model, model.outputHead(), runtime::WeightStorage::Float32) {
    for (int64_t b = 0; b < m_config.numLayers; ++b) {
      base::throwIfStopped(stop);
      const model::BlockWeights block = model.block(b);
      Layer& layer = m_layers.emplace_back(Layer{runtime::BlockGraph(m_config, block), {}});
      for (const model::LinearWeights& linear : block.linears)
        layer.linears.push_back(runtime::makeLinear(linear, runtime::WeightStorage::Float32));
    }
  }

  Matrix embed(const std::vector<tokenizer::TokenId>& tokens) const {
    m_embedding.check(tokens, 0, "calibration: ");
    return m_embedding.rows(tokens, 0);
  }

  /// Runs block b: hidden [tokens, hiddenSize] is its input and becomes its output.
  void run(size_t b, Matrix& hidden, Trial* trial = nullptr) const {
    base::throwIfStopped(m_stop);
    const Layer& layer = m_layers[b];
    runtime::StepContext step;
    step.pool = &m_pool;
    runtime::SequenceState state;
    state.hidden = std::move(hidden);
    layer.graph.begin(state, step);
    for (int stage = 0; stage < layer.graph.stageCount(); ++stage) {
      std::vector<Matrix> outputs;
      for (const size_t number : layer.graph.stageLinears(stage))
        outputs.push_back(forward(*layer.linears[number], state.input));
      if (trial)
        replace(*trial, layer.graph.stageLinears(stage), state.input, outputs);
      layer.graph.finishStage(stage, outputs, state, step);
    }
    hidden = std::move(state.hidden);
  }

  /// Returns log probabilities [tokens, vocabularySize] after the last block.
  Matrix logProbabilities(const Matrix& hidden) const {
    base::throwIfStopped(m_stop);
    Matrix logits(hidden.rows(), m_head.vocabularySize());
    m_head.logits(hidden, logits.data(), m_pool);
    m_pool.parallelFor(logits.rows(), 16, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const float largest = logits.row(t).maxCoeff();
        const double sum = (logits.row(t).array() - largest).exp().cast<double>().sum();
        logits.row(t).array() -= largest + static_cast<float>(std::log(sum));
      }
    });
    return logits;
  }

private:
  struct Layer {
    runtime::BlockGraph graph;
    std::vector<std::unique_ptr<Linear>> linears; ///< in the order of BlockWeights
  };

  Matrix forward(const Linear& linear, const Matrix& x) const {
    Matrix y(x.rows(), linear.outFeatures());
    linear.forward(x.data(), x.rows(), y.data(), m_pool);
    return y;
  }

  void replace(Trial& trial, std::span<const size_t> numbers, const Matrix& input,
               std::vector<Matrix>& outputs) const {
    for (size_t i = 0; i < numbers.size(); ++i)
      if (numbers[i] == trial.number) {
        Matrix tried = forward(*trial.linear, input);
        trial.squaredError += (tried - outputs[i]).cast<double>().squaredNorm();
        trial.squaredOutput += outputs[i].cast<double>().squaredNorm();
        outputs[i] = std::move(tried);
      }
  }

  model::ModelConfig m_config;
  base::ThreadPool& m_pool;
  const std::stop_token& m_stop;
  runtime::TokenEmbedding m_embedding;
  runtime::OutputHead m_head;
  std::vector<Layer> m_layers;
};

/// Returns the sum over tokens of D(P || Q), from log probabilities.
double divergence(const Matrix& P, const Matrix& Q) {
  double sum = 0;
  for (int64_t t = 0; t < P.rows(); ++t)
    sum += (P.row(t).array().exp() * (P.row(t).array() - Q.row(t).array())).cast<double>().sum();
  return sum;
}

/// Rounds a linear to the nearest values of a grid.
model::LinearWeights rounded(const model::LinearWeights& source, const Grid& grid, base::ThreadPool& pool,
                             const std::stop_token& stop) {
  const Matrix W = model::toMatrix(source.weight);
  tensor::requireFinite({W.data(), static_cast<size_t>(W.size())}, W.cols(), source.name);
  tensor::QuantizedTensor tensor = emptyTensor(grid, W.rows(), W.cols());
  pool.parallelFor(W.rows(), 16, [&](int64_t begin, int64_t end) {
    base::throwIfStopped(stop);
    std::vector<float> values(static_cast<size_t>(W.cols()));
    for (int64_t row = begin; row < end; ++row)
      roundRowToNearest(W.row(row).data(), grid, {}, source.name, row, tensor, values.data());
  });
  return {source.name, std::move(tensor), source.bias, std::nullopt, source.role};
}

/// Creates the layer's grid with another number of bits.
std::unique_ptr<Grid> gridWithBits(const Recipe& recipe, const std::string& name, int bits) {
  MethodChoice choice = *gridFor(recipe, name);
  choice.parameters["bits"] = bits;
  return makeGrid(choice.use, choice.parameters);
}

/// Returns the rank of each value from 0 on; ties get their mean rank.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]])
      ++end;
    for (size_t i = begin; i < end; ++i)
      result[order[i]] = static_cast<double>(begin + end - 1) / 2.0;
    begin = end;
  }
  return result;
}

double rankCorrelation(const std::vector<LayerSensitivity>& layers) {
  std::vector<double> divergences;
  std::vector<double> errors;
  for (const LayerSensitivity& layer : layers)
    for (const WidthCost& width : layer.widths) {
      divergences.push_back(width.divergence);
      errors.push_back(width.relativeOutputError);
    }
  const auto centred = [](const std::vector<double>& values) {
    const auto r = ranks(values);
    Eigen::VectorXd v = Eigen::Map<const Eigen::VectorXd>(r.data(), std::ssize(r));
    v.array() -= v.mean();
    return v;
  };
  const Eigen::VectorXd a = centred(divergences);
  const Eigen::VectorXd b = centred(errors);
  const double norm = a.norm() * b.norm();
  return norm > 0 ? a.dot(b) / norm : 0.0;
}

/// Sensitivity measurement of one model.
class Measurement {
public:
  Measurement(const Plan& plan, const calibration::CalibrationSet& calibration,
              const SensitivityOptions& options, base::ThreadPool& pool, const std::stop_token& stop,
              base::Progress& progress)
      : m_plan(plan), m_options(options), m_pool(pool), m_stop(stop), m_progress(progress),
        m_runner(*plan.model, pool, stop) {
    for (const auto& sequence : calibration.sequences) {
      m_hidden.push_back(m_runner.embed(sequence));
      m_result.tokens += std::ssize(sequence);
    }
    m_result.measure = options.measure;
  }

  Sensitivity execute() {
    const auto& blocks = m_plan.blocks;
    m_progress.report(0, "running the unquantized model");
    if (m_options.measure == SensitivityMeasure::Divergence)
      for (Matrix hidden : m_hidden) {
        for (size_t b = 0; b < blocks.size(); ++b)
          m_runner.run(b, hidden);
        m_reference.push_back(m_runner.logProbabilities(hidden));
      }
    const auto count = static_cast<double>(blocks.size());
    for (size_t b = 0; b < blocks.size(); ++b) {
      const model::BlockWeights block = m_plan.model->block(static_cast<int64_t>(b));
      for (size_t number = 0; number < blocks[b].size(); ++number) {
        // The rest of the model runs again for each layer, so the first blocks take longest.
        const double at =
            static_cast<double>(b) + static_cast<double>(number) / static_cast<double>(blocks[b].size());
        const double left = (count - at) / count;
        m_progress.report(m_reference.empty() ? 1.0 - left : 1.0 - left * left,
                          "block " + std::to_string(b + 1) + " of " + std::to_string(blocks.size()));
        if (blocks[b][number].grid)
          m_result.layers.push_back(measure(b, number, block.linears[number]));
      }
      for (Matrix& hidden : m_hidden)
        m_runner.run(b, hidden);
    }
    if (m_options.measure == SensitivityMeasure::Divergence)
      m_result.rankCorrelation = rankCorrelation(m_result.layers);
    m_progress.report(1, "done");
    return std::move(m_result);
  }

private:
  LayerSensitivity measure(size_t b, size_t number, const model::LinearWeights& source) {
    LayerSensitivity layer{
        source.name, model::outFeatures(source.weight) * model::inFeatures(source.weight), {}};
    for (const int bits : m_options.bits) {
      const auto grid = gridWithBits(m_plan.recipe, source.name, bits);
      const auto linear =
          runtime::makeLinear(rounded(source, *grid, m_pool, m_stop), runtime::WeightStorage::Float32);
      layer.widths.push_back(trial(b, number, *linear, bits, source.name));
    }
    return layer;
  }

  WidthCost trial(size_t b, size_t number, const Linear& linear, int bits, const std::string& name) {
    Trial trial{number, &linear, 0, 0};
    double sum = 0;
    for (size_t s = 0; s < m_hidden.size(); ++s) {
      Matrix hidden = m_hidden[s];
      m_runner.run(b, hidden, &trial);
      if (m_reference.empty())
        continue;
      for (size_t next = b + 1; next < static_cast<size_t>(m_plan.model->config().numLayers); ++next)
        m_runner.run(next, hidden);
      sum += divergence(m_reference[s], m_runner.logProbabilities(hidden));
    }
    WidthCost cost;
    cost.bits = bits;
    // Rounding errors can make the sum slightly negative.
    cost.divergence = std::max(0.0, sum / static_cast<double>(m_result.tokens));
    cost.relativeOutputError =
        trial.squaredOutput > 0 ? std::sqrt(trial.squaredError / trial.squaredOutput) : 0.0;
    if (!std::isfinite(sum) || !std::isfinite(cost.relativeOutputError))
      throw Error(ErrorCode::Numerical, "sensitivity of '" + name + "' at " + std::to_string(bits) +
                                            " bits: expected finite outputs, found NaN or infinity");
    return cost;
  }

  const Plan& m_plan;
  const SensitivityOptions& m_options;
  base::ThreadPool& m_pool;
  const std::stop_token& m_stop;
  base::Progress& m_progress;
  Runner m_runner;
  std::vector<Matrix> m_hidden;    ///< by sequence, input of the current block
  std::vector<Matrix> m_reference; ///< by sequence; empty if divergence is not measured
  Sensitivity m_result;
};

void checkOptions(const Plan& plan, const calibration::CalibrationSet& calibration,
                  const SensitivityOptions& options) {
  if (calibration.sequences.empty())
    throw Error(ErrorCode::InvalidArgument, "sensitivity: expected calibration sequences, found none");
  if (options.bits.empty() || !std::is_sorted(options.bits.begin(), options.bits.end(), std::less_equal<>()))
    throw Error(ErrorCode::InvalidArgument,
                "sensitivity: 'bits': expected ascending widths without duplicates");
  for (const auto& block : plan.blocks)
    for (const LinearPlan& linear : block)
      for (const int bits : options.bits)
        if (linear.grid)
          base::inContext("sensitivity of '" + linear.name + "'",
                          [&] { gridWithBits(plan.recipe, linear.name, bits); });
}

} // namespace

Sensitivity measureSensitivity(const Plan& plan, const calibration::CalibrationSet& calibration,
                               const SensitivityOptions& options, base::ThreadPool& pool,
                               const std::stop_token& stop, base::Progress& progress) {
  checkOptions(plan, calibration, options);
  return Measurement(plan, calibration, options, pool, stop, progress).execute();
}

} // namespace nibblesmith::quantization
