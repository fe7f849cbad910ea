// SPDX-License-Identifier: Apache-2.0
#include "quantization/cost.hpp"

#include "base/input_file.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <set>
#include <sstream>

namespace nibblesmith::quantization {

namespace {

/// Returns the cost of one bf16 multiply-add.
double bf16Cost() { return tensor::hasBf16Instructions() ? 0.5 : 1.1; }

/// Returns the cost of one int8 multiply-add, overhead of a block included.
double int8Cost() { return tensor::hasInt8Instructions() ? 0.33 : 1.2; }

} // namespace

double forwardCost(double multiplyAdds, bool roundsInputs) {
  // Quantizing the inputs takes a tenth of the time of the products.
  return (roundsInputs ? 1.1 * bf16Cost() : int8Cost()) * multiplyAdds;
}

double hessianCost(double tokens, double inFeatures) {
  // Upper triangle, and the tiles that cross the diagonal.
  return bf16Cost() * tokens * inFeatures * (inFeatures + 192.0) / 2.0;
}

double hessianTokens(const Rounding& rounding, double tokens, double inFeatures) {
  return rounding.needsHessian() ? tokens : std::min(tokens, std::max(8.0 * inFeatures, 8192.0));
}

double prepareCost(double inFeatures) {
  // A factorization and a triangular inverse: n^3 / 6 multiply-adds each, in f64 at less than half the speed
  // of f32.
  return inFeatures * inFeatures * inFeatures;
}

double rangeCost(const calibration::RangeOptions& options, double tokens, double inFeatures) {
  return tokens * inFeatures * (calibration::needsHistogram(options.method) ? 250.0 : 70.0);
}

double roundCost(const Rounding& rounding, const Grid& grid, int64_t outFeatures, int64_t inFeatures,
                 bool withHessian) {
  const auto out = static_cast<double>(outFeatures);
  const auto in = static_cast<double>(inFeatures);
  // 300 per weight to read, dequantize, compare and write; with a Hessian, half of two products for the
  // report.
  return rounding.cost(out, in) + totalFitCost(grid, outFeatures, inFeatures) + 300.0 * out * in +
         (withHessian ? out * in * in : 0.0);
}

StageShapes stageShapes(const model::Model& model) {
  const model::BlockWeights block = model.block(0);
  const runtime::BlockGraph graph(model.config(), block);
  StageShapes stages;
  for (int stage = 0; stage < graph.stageCount(); ++stage) {
    auto& shapes = stages.emplace_back();
    for (const size_t number : graph.stageLinears(stage)) {
      const model::Weight& weight = block.linears[number].weight;
      shapes.push_back({model::outFeatures(weight), model::inFeatures(weight), number});
    }
  }
  return stages;
}

double blockForwardCost(const StageShapes& stages, const Plan& plan, size_t block, double tokens) {
  double cost = 0;
  for (const auto& stage : stages)
    for (const LinearShape& linear : stage)
      cost += forwardCost(tokens * static_cast<double>(linear.outFeatures * linear.inFeatures),
                          plan.blocks[block][linear.number].activations != nullptr);
  return cost;
}

double blockCost(const StageShapes& stages, const Plan& plan, size_t block, double tokens) {
  const bool withHessian = plan.needsCalibration();
  double cost = 0;
  for (const auto& stage : stages) {
    bool any = false;
    const auto n = static_cast<double>(stage.front().inFeatures);
    std::set<const ActivationPlan*> ranges; // plans that share one static scale in this stage
    for (const LinearShape& linear : stage) {
      const auto& [name, grid, inputs] = plan.blocks[block][linear.number];
      if (!grid)
        continue;
      any = true;
      cost += roundCost(*plan.rounding, *grid, linear.outFeatures, linear.inFeatures, withHessian);
      if (inputs && !inputs->scheme.isDynamic && ranges.insert(inputs.get()).second)
        cost += rangeCost(inputs->range, tokens, n);
      for (const auto& transform : plan.transforms)
        cost += transform->cost(linear.outFeatures, linear.inFeatures, *grid);
    }
    if (any && withHessian)
      cost += hessianCost(hessianTokens(*plan.rounding, tokens, n), n) +
              (plan.rounding->needsHessian() ? prepareCost(n) : 0.0);
  }
  return cost;
}

void CostMeter::stage(const std::string& text) {
  const std::lock_guard lock(m_mutex);
  m_stage = text;
  report(true);
}

void CostMeter::add(double cost) {
  const std::lock_guard lock(m_mutex);
  m_done += cost;
  report(false);
}

void CostMeter::advanceTo(double cost) {
  const std::lock_guard lock(m_mutex);
  m_done = std::max(m_done, cost);
  report(false);
}

void CostMeter::report(bool now) {
  const auto time = std::chrono::steady_clock::now();
  if (!now && time - m_last < std::chrono::milliseconds(100))
    return;
  m_last = time;
  m_progress.report(m_total > 0 ? std::clamp(m_done / m_total, 0.0, 1.0) : 0.0, m_stage);
}

uint64_t peakMemoryBytes() {
  std::istringstream status(base::readSystemFile("/proc/self/status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) {
      uint64_t kibibytes = 0;
      std::istringstream(line.substr(6)) >> kibibytes;
      return kibibytes * 1024;
    }
  return 0;
}

void resetPeakMemory() {
  // On Linux, writing 5 resets the high-water mark of the resident set.
  base::writeSystemFile("/proc/self/clear_refs", "5");
}

} // namespace nibblesmith::quantization
