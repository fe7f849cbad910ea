// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "quantization/plan.hpp"
#include "runtime/block_graph.hpp"

#include <chrono>
#include <mutex>
#include <string>

namespace nibblesmith::quantization {

/// Returns the cost of running linears, in f32 multiply-add equivalents: work that takes as long as one f32
/// multiply-add counts 1. The other costs below have the same unit. roundsInputs: the linears have quantized
/// inputs and multiply bf16 values.
double forwardCost(double multiplyAdds, bool roundsInputs);
/// Returns the cost of accumulating a Hessian over `tokens` tokens.
double hessianCost(double tokens, double inFeatures);
/// Returns the number of calibration tokens, of `tokens`, that a stage's Hessian is computed from. All, if
/// the rounding uses the Hessian. Otherwise only transforms and reports use it, for sums that more tokens
/// hardly change: 8 tokens per channel, at least 8192.
double hessianTokens(const Rounding& rounding, double tokens, double inFeatures);
/// Returns the cost of Rounding::prepare() for a Hessian [inFeatures, inFeatures].
double prepareCost(double inFeatures);
/// Returns the cost of finding a static scale for the inputs of a stage.
double rangeCost(const calibration::RangeOptions& options, double tokens, double inFeatures);
/// Returns the cost of rounding one linear and of its report.
double roundCost(const Rounding& rounding, const Grid& grid, int64_t outFeatures, int64_t inFeatures,
                 bool withHessian);

/// Shape of a linear in a block, for cost estimates; all blocks of a model have the same shapes.
struct LinearShape {
  int64_t outFeatures = 0;
  int64_t inFeatures = 0;
  size_t number = 0; ///< index in model::BlockWeights::linears
};
using StageShapes = std::vector<std::vector<LinearShape>>; ///< [stage][linear]
/// Returns the shapes of a block's linears, by stage.
StageShapes stageShapes(const model::Model& model);

/// Returns the cost of running `tokens` tokens through one block.
double blockForwardCost(const StageShapes& stages, const Plan& plan, size_t block, double tokens);
/// Returns the cost of everything else that is done to one block: statistics, transforms, rounding, reports.
double blockCost(const StageShapes& stages, const Plan& plan, size_t block, double tokens);

/// Progress meter: reports the ratio of work done to work planned. Safe for concurrent calls of add().
class CostMeter {
public:
  CostMeter(base::Progress& progress, double total) : m_progress(progress), m_total(total) {}
  /// Sets the text of the current stage.
  void stage(const std::string& text);
  /// Adds work done, in the unit of the cost functions.
  void add(double cost);
  /// Raises the work done to at least `cost`, because some phases count less than planned.
  void advanceTo(double cost);

private:
  void report(bool now);

  base::Progress& m_progress;
  double m_total;
  std::mutex m_mutex;
  double m_done = 0;
  std::string m_stage;
  std::chrono::steady_clock::time_point m_last{};
};

/// Returns the peak resident memory of this process in bytes; 0 if the system does not report it.
/// resetPeakMemory() restarts the measurement if the system supports that.
uint64_t peakMemoryBytes();
void resetPeakMemory();

} // namespace nibblesmith::quantization
