// SPDX-License-Identifier: Apache-2.0
#include "quantization/block_run.hpp"

#include "base/error.hpp"
#include "base/join.hpp"
#include "base/thread_pool.hpp"
#include "base/units.hpp"
#include "calibration/hessian.hpp"
#include "calibration/input_sample.hpp"
#include "calibration/magnitude.hpp"
#include "quantization/output_error.hpp"
#include "quantization/scaling.hpp"
#include "tensor/tensor_view.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <span>

namespace nibblesmith::quantization {

namespace {

/// Number of input rows that transforms get as a sample.
constexpr int64_t kSampleRows = 256;

/// Joins the last parts of the names without "_proj": "q, k, v".
std::string shortNames(const std::vector<const LinearPlan*>& linears) {
  std::string text;
  for (const LinearPlan* linear : linears) {
    std::string name = linear->name.substr(linear->name.rfind('.') + 1);
    if (const size_t suffix = name.rfind("_proj"); suffix != std::string::npos)
      name.resize(suffix);
    base::appendTo(text, name);
  }
  return text;
}

/// Returns the median over channels of the root mean square. H: 2/n X^T X of the inputs X.
double medianMagnitude(const tensor::Matrix& H) {
  std::vector<float> squares(static_cast<size_t>(H.rows()));
  Eigen::Map<Eigen::VectorXf>(squares.data(), H.rows()) = H.diagonal();
  const auto middle = squares.begin() + std::ssize(squares) / 2;
  std::nth_element(squares.begin(), middle, squares.end());
  return std::sqrt(static_cast<double>(*middle) / 2.0);
}

/// Returns a remark if one static scale is too coarse for the inputs: its rounding error, scale / sqrt(12),
/// exceeds a quarter of the median magnitude. The cause are a few massive values, above all of the first
/// token (Sun et al. 2024, arXiv 2402.17762), which stretch the scale until most other values round to zero.
std::string wideInputsRemark(const tensor::ActivationScheme& scheme, const calibration::InputRange& range,
                             const tensor::Matrix& H) {
  constexpr double kTooMuch = 0.25;
  const double magnitude = medianMagnitude(H);
  if (!(magnitude > 0) || static_cast<double>(scheme.scale) / std::sqrt(12.0) <= kTooMuch * magnitude)
    return {};
  return "inputs of " + base::formatNumber(static_cast<double>(range.minimum)) + " to " +
         base::formatNumber(static_cast<double>(range.maximum)) + ", with a root mean square of " +
         base::formatNumber(magnitude) + " in the median channel: too wide for one static scale";
}

/// Quantization of one block.
class BlockRun {
public:
  BlockRun(const BlockContext& context, size_t index, Activations* activations)
      : m_context(context), m_plan(context.plan.blocks[index]),
        m_weights(context.model.block(static_cast<int64_t>(index))),
        m_graph(context.model.config(), m_weights), m_activations(activations) {}

  BlockFile quantize(const std::string& label, bool forward);
  void runFinished(const BlockFile& block);

private:
  /// Statistics of a stage's inputs.
  struct Statistics {
    tensor::Matrix H;
    tensor::Vector meanMagnitude; ///< this and the following fields only if a transform uses the inputs
    tensor::Vector maxMagnitude;
    tensor::Matrix sample; ///< [rows, inFeatures]
  };

  std::vector<const LinearPlan*> stagePlan(int stage) const;
  Statistics statistics();
  /// Quantizes the stage's linears in place.
  void roundStage(int stage, const std::vector<const LinearPlan*>& plans, std::vector<DenseLinear>& linears);
  /// Applies the recipe's transforms: scales linears and statistics. The inputs themselves are scaled when
  /// the stage runs. originals: weights that the errors of the layers are measured against.
  void transform(int stage, const std::vector<const LinearPlan*>& plans, std::vector<DenseLinear>& linears,
                 Statistics& statistics, std::vector<tensor::Matrix>& originals);
  /// Input quantization of a stage, for the linears that share one plan.
  struct StageInput {
    tensor::ActivationScheme scheme;
    std::string remark; ///< remark for the reports of these linears; empty: none
  };
  /// Returns the quantization of the linear's current input; null: none.
  const StageInput* stageInput(int stage, const LinearPlan& plan, const Statistics& statistics);
  /// Returns the static scheme, or the dynamic fallback if the range is too wide and the plan allows it.
  StageInput staticInput(int stage, const LinearPlan& plan, const Statistics& statistics);
  void scale(StageScales taken, std::vector<DenseLinear>& linears, Statistics& statistics);
  void round(const LinearPlan& plan, DenseLinear& linear, const tensor::Matrix& original,
             const tensor::Matrix* H, const PreparedHessian* prepared);
  void report(const LinearPlan& plan, const DenseLinear& linear, const tensor::Matrix& original,
              const RoundingResult& result, const tensor::Matrix& rounded, const tensor::Matrix* H,
              double seconds);
  void begin() {
    const PhaseTimer timer(m_context.phases.forward);
    m_activations->beginBlock(m_graph, m_context.pool, m_context.stop);
  }
  /// Runs the stage. block: holds the scales of the stage.
  void runStage(int stage, std::span<const DenseLinear> linears, const BlockFile& block) {
    const PhaseTimer timer(m_context.phases.forward);
    const tensor::Vector scales = totalScales(block, stage, m_activations->inputWidth());
    const bool roundsInputs =
        std::any_of(linears.begin(), linears.end(), [](const DenseLinear& linear) { return linear.input; });
    m_activations->runStage(
        m_graph, stage, linears, scales, m_context.pool, m_context.stop,
        [&](double multiplyAdds) { m_context.meter->add(forwardCost(multiplyAdds, roundsInputs)); });
  }

  const BlockContext& m_context;
  const std::vector<LinearPlan>& m_plan;
  model::BlockWeights m_weights;
  runtime::BlockGraph m_graph;
  Activations* m_activations;
  std::vector<std::string> m_stageRemarks;                   ///< remarks for the reports of the current stage
  std::map<const ActivationPlan*, StageInput> m_stageInputs; ///< input quantization in the current stage
  BlockFile m_result;
};

std::vector<const LinearPlan*> BlockRun::stagePlan(int stage) const {
  std::vector<const LinearPlan*> plans;
  for (const size_t number : m_graph.stageLinears(stage))
    plans.push_back(&m_plan[number]);
  return plans;
}

BlockRun::Statistics BlockRun::statistics() {
  const PhaseTimer timer(m_context.phases.hessian);
  const int64_t n = m_activations->inputWidth();
  calibration::HessianAccumulator hessian(n);
  calibration::MagnitudeAccumulator magnitude(n);
  calibration::InputSample sample(kSampleRows, m_activations->tokens(), n);
  const auto all = static_cast<double>(m_activations->tokens());
  const double share = hessianTokens(*m_context.plan.rounding, all, static_cast<double>(n)) / all;
  double due = 0; // tokens of the Hessian's share that are still to be added
  m_activations->visitInputs(
      [&](std::span<const tensor::Bf16Matrix* const> inputs) {
        std::vector<const tensor::Bf16Matrix*> chosen;
        double tokens = 0;
        for (const tensor::Bf16Matrix* X : inputs) {
          const auto rows = static_cast<double>(X->rows());
          due += share * rows;
          if (due <= 0)
            continue;
          due -= rows;
          tokens += rows;
          chosen.push_back(X);
        }
        hessian.add(chosen, m_context.pool, m_context.stop);
        if (m_context.plan.transformsStages()) {
          magnitude.add(inputs, m_context.pool, m_context.stop);
          sample.add(inputs);
        }
        m_context.meter->add(hessianCost(tokens, static_cast<double>(n)));
      },
      m_context.stop);
  return {hessian.take(), magnitude.mean(), magnitude.largest(), sample.take()};
}

void BlockRun::scale(StageScales taken, std::vector<DenseLinear>& linears, Statistics& statistics) {
  for (DenseLinear& linear : linears)
    linear.weights.array().rowwise() *= taken.s.transpose().array();
  scaleHessian(statistics.H, taken.s);
  statistics.meanMagnitude.array() /= taken.s.array();
  statistics.maxMagnitude.array() /= taken.s.array();
  statistics.sample.array().rowwise() /= taken.s.transpose().array();
  m_result.scales.push_back(std::move(taken));
}

void BlockRun::transform(int stage, const std::vector<const LinearPlan*>& plans,
                         std::vector<DenseLinear>& linears, Statistics& statistics,
                         std::vector<tensor::Matrix>& originals) {
  const PhaseTimer timer(m_context.phases.transforms);
  const tensor::Vector& largest = statistics.maxMagnitude;
  tensor::requireFinite({largest.data(), static_cast<size_t>(largest.size())}, largest.size(),
                        "input of " + plans.front()->name);
  const runtime::InputSource source = m_graph.inputSource(stage);
  // A linear that keeps its stored format cannot have its input scaled.
  std::string obstacle = foldingObstacle(source, m_weights, m_result);
  if (obstacle.empty() &&
      !std::all_of(plans.begin(), plans.end(), [](const LinearPlan* plan) { return plan->grid; }))
    obstacle = "a layer that would have to change stays as stored";
  const bool scalable = obstacle.empty();
  TransformProblem problem{{}, {}, {}, statistics.H, statistics.meanMagnitude, source.channels};
  problem.afterNorm = source.kind == runtime::InputSource::Kind::Norm;
  problem.maxMagnitude = &statistics.maxMagnitude;
  problem.sample = &statistics.sample;
  for (size_t i = 0; i < plans.size(); ++i)
    if (plans[i]->grid) {
      if (plans[i]->activations && !problem.input)
        problem.input = &plans[i]->activations->scheme;
      problem.names.push_back(plans[i]->name);
      problem.roles.push_back(m_weights.linears[m_graph.stageLinears(stage)[i]].role);
      problem.grids.push_back(plans[i]->grid.get());
      problem.weights.push_back(&linears[i].weights);
    }
  if (!scalable)
    m_stageRemarks.push_back("inputs not scaled, as " + obstacle);
  for (const auto& transform : m_context.plan.transforms) {
    if (!transform->needsHessian())
      continue;
    if (scalable)
      if (const auto s = transform->inputScales(problem, m_context.pool, m_context.stop); s.size() > 0)
        scale({stage,
               foldableScales(s, stage, source, m_weights, m_result, m_context.model.config().norm.offset)},
              linears, statistics);
    originals.clear();
    for (const DenseLinear& linear : linears)
      originals.push_back(linear.weights);
    transform->adjustWeights(problem, m_context.pool, m_context.stop);
    for (size_t i = 0; i < problem.weights.size(); ++i)
      m_context.meter->add(
          transform->cost(problem.weights[i]->rows(), problem.weights[i]->cols(), *problem.grids[i]));
  }
}

const BlockRun::StageInput* BlockRun::stageInput(int stage, const LinearPlan& plan,
                                                 const Statistics& statistics) {
  if (!plan.activations)
    return nullptr;
  const auto [found, isNew] =
      m_stageInputs.try_emplace(plan.activations.get(), StageInput{plan.activations->scheme, {}});
  if (isNew && !found->second.scheme.isDynamic)
    found->second = staticInput(stage, plan, statistics);
  return &found->second;
}

BlockRun::StageInput BlockRun::staticInput(int stage, const LinearPlan& plan, const Statistics& statistics) {
  const PhaseTimer timer(m_context.phases.inputRanges);
  calibration::InputRangeFinder finder(plan.activations->range, plan.name,
                                       totalScales(m_result, stage, m_activations->inputWidth()));
  while (finder.wantsInputs()) {
    m_activations->visitInputs(
        [&](std::span<const tensor::Bf16Matrix* const> inputs) {
          finder.add(inputs, m_context.pool, m_context.stop);
        },
        m_context.stop);
    finder.endPass();
  }
  m_context.meter->add(rangeCost(plan.activations->range, static_cast<double>(m_activations->tokens()),
                                 static_cast<double>(m_activations->inputWidth())));
  const calibration::InputRange range = finder.range();
  const auto scheme = tensor::staticScheme(plan.activations->scheme, range.minimum, range.maximum);
  if (!std::isfinite(scheme.scale))
    throw base::Error(base::ErrorCode::Numerical,
                      "input of '" + plan.name + "': expected values whose scale fits f16, found " +
                          std::to_string(range.minimum) + " to " + std::to_string(range.maximum));
  const std::string remark = wideInputsRemark(scheme, range, statistics.H);
  if (remark.empty() || !plan.activations->dynamicFallback)
    return {scheme, remark};
  tensor::ActivationScheme dynamic = plan.activations->scheme;
  dynamic.isDynamic = true;
  dynamic.granularity = tensor::ActivationScheme::Granularity::Token;
  return {dynamic, remark + ", so that each token has its own"};
}

void BlockRun::round(const LinearPlan& plan, DenseLinear& linear, const tensor::Matrix& original,
                     const tensor::Matrix* H, const PreparedHessian* prepared) {
  std::optional<PhaseTimer> timer(m_context.phases.rounding);
  auto result = m_context.plan.rounding->round({plan.name, linear.weights, H, *plan.grid, prepared},
                                               m_context.pool, m_context.stop);
  finishTensor(*plan.grid, result.tensor);
  tensor::Matrix rounded = result.tensor.dequantize();
  const double seconds = timer->elapsed();
  timer.emplace(m_context.phases.reports);
  report(plan, linear, original, result, rounded, H, seconds);
  m_context.meter->add(
      roundCost(*m_context.plan.rounding, *plan.grid, rounded.rows(), rounded.cols(), H != nullptr));
  linear.weights = std::move(rounded);
  if (linear.input)
    m_result.inputs.emplace(plan.name, *linear.input);
  m_result.linears.emplace(plan.name, std::move(result.tensor));
}

void BlockRun::report(const LinearPlan& plan, const DenseLinear& linear, const tensor::Matrix& original,
                      const RoundingResult& result, const tensor::Matrix& rounded, const tensor::Matrix* H,
                      double seconds) {
  const auto values = [](const tensor::Matrix& m) {
    return std::span(m.data(), static_cast<size_t>(m.size()));
  };
  LayerReport report;
  report.name = plan.name;
  const auto inputText = [](const tensor::ActivationScheme& scheme) {
    return ", input " + scheme.describe();
  };
  report.requested = describeGrid(*plan.grid) + (plan.activations ? inputText(plan.activations->scheme) : "");
  report.effective = describeTensor(result.tensor) + (linear.input ? inputText(*linear.input) : "");
  report.weightError = tensor::distance(values(original), values(rounded));
  if (H)
    report.relativeOutputError = relativeOutputError(original, rounded, *H, m_context.pool, m_context.stop);
  report.fallbacks = m_stageRemarks;
  if (const auto input = m_stageInputs.find(plan.activations.get());
      input != m_stageInputs.end() && !input->second.remark.empty())
    report.fallbacks.push_back(input->second.remark);
  report.fallbacks.insert(report.fallbacks.end(), result.fallbacks.begin(), result.fallbacks.end());
  report.seconds = seconds;
  m_result.reports.push_back(std::move(report));
}

void BlockRun::roundStage(int stage, const std::vector<const LinearPlan*>& plans,
                          std::vector<DenseLinear>& linears) {
  Statistics statistics;
  m_stageRemarks.clear();
  m_stageInputs.clear();
  std::vector<tensor::Matrix> originals;
  std::shared_ptr<const PreparedHessian> prepared;
  if (m_activations) {
    statistics = this->statistics();
    if (m_context.plan.transformsStages())
      transform(stage, plans, linears, statistics, originals);
    if (m_context.plan.rounding->needsHessian()) {
      const PhaseTimer timer(m_context.phases.factorization);
      prepared =
          m_context.plan.rounding->prepare(plans.front()->name, statistics.H, m_context.pool, m_context.stop);
      m_context.meter->add(prepareCost(static_cast<double>(statistics.H.rows())));
    }
  }
  for (size_t i = 0; i < plans.size(); ++i) {
    if (!plans[i]->grid)
      continue;
    if (const StageInput* input = stageInput(stage, *plans[i], statistics))
      linears[i].input = input->scheme;
    round(*plans[i], linears[i], originals.empty() ? linears[i].weights : originals[i],
          m_activations ? &statistics.H : nullptr, prepared.get());
  }
}

BlockFile BlockRun::quantize(const std::string& label, bool forward) {
  if (m_activations)
    begin();
  for (int stage = 0; stage < m_graph.stageCount(); ++stage) {
    base::throwIfStopped(m_context.stop);
    const auto plans = stagePlan(stage);
    const bool any =
        std::any_of(plans.begin(), plans.end(), [](const LinearPlan* plan) { return plan->grid; });
    m_context.meter->stage(label + ": " + shortNames(plans));
    const bool runs = m_activations && (forward || stage + 1 < m_graph.stageCount());
    if (!any && !runs)
      continue;
    std::vector<DenseLinear> linears;
    for (const size_t number : m_graph.stageLinears(stage))
      linears.push_back(denseLinear(m_weights.linears[number]));
    if (any)
      roundStage(stage, plans, linears);
    if (runs)
      runStage(stage, linears, m_result);
  }
  return std::move(m_result);
}

void BlockRun::runFinished(const BlockFile& block) {
  begin();
  for (int stage = 0; stage < m_graph.stageCount(); ++stage) {
    std::vector<DenseLinear> linears;
    for (const size_t number : m_graph.stageLinears(stage)) {
      const auto& stored = m_weights.linears[number];
      linears.push_back(denseLinear(stored));
      const auto found = block.linears.find(stored.name);
      if (found == block.linears.end())
        continue;
      linears.back().weights = found->second.dequantize();
      const auto input = block.inputs.find(stored.name);
      linears.back().input = input == block.inputs.end() ? std::nullopt : std::optional(input->second);
    }
    runStage(stage, linears, block);
  }
}

} // namespace

BlockFile quantizeBlock(const BlockContext& context, size_t index, const std::string& label,
                        Activations* activations, bool forward) {
  return BlockRun(context, index, activations).quantize(label, forward);
}

void runFinishedBlock(const BlockContext& context, size_t index, const BlockFile& block,
                      Activations& activations) {
  BlockRun(context, index, &activations).runFinished(block);
}

} // namespace nibblesmith::quantization
