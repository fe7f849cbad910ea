// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "quantization/plan.hpp"
#include "runtime/block_graph.hpp"

#include <chrono>
#include <mutex>
#include <string>

namespace nibblesmith::quantization {

/// Work of the phases, in f32 multiply-adds that count alike in time.
/// roundsInputs: of linears whose inputs a scheme rounds, which are products of bf16 values.
double forwardCost(double multiplyAdds, bool roundsInputs);
double hessianCost(double tokens, double inFeatures);
/// Of `tokens` calibration tokens, how many a stage's Hessian is gathered from: all where the rounding works
/// on it. Where transforms and reports alone read it, eight for every channel, and some thousand at least:
/// they compare sums over it, which more tokens hardly change.
double hessianTokens(const Rounding& rounding, double tokens, double inFeatures);
double prepareCost(double inFeatures);
/// Of finding one static scale for the inputs of a stage.
double rangeCost(const calibration::RangeOptions& options, double tokens, double inFeatures);
/// Of the rounding and the report of one linear.
double roundCost(const Rounding& rounding, const Grid& grid, int64_t outFeatures, int64_t inFeatures,
                 bool withHessian);

/// The linears of one block as far as costs go; all blocks of a model are built alike.
struct LinearShape {
  int64_t outFeatures = 0;
  int64_t inFeatures = 0;
  size_t number = 0; ///< of model::BlockWeights::linears
};
using StageShapes = std::vector<std::vector<LinearShape>>; ///< [stage][linear]
StageShapes stageShapes(const model::Model& model);

/// Of running `tokens` tokens through one whole block.
double blockForwardCost(const StageShapes& stages, const Plan& plan, size_t block, double tokens);
/// Of all that is done to one block but that: statistics, transforms, rounding, reports.
double blockCost(const StageShapes& stages, const Plan& plan, size_t block, double tokens);

/// Work done against work planned, told to a Progress. add() may be called from several threads at once.
class CostMeter {
public:
  CostMeter(base::Progress& progress, double total) : m_progress(progress), m_total(total) {}
  /// What is being done from now on, in words.
  void stage(const std::string& text);
  void add(double cost);
  /// Brings the work done up to `cost`, where less was counted than planned.
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

/// Highest resident memory of this process so far; 0 where the system does not tell. resetPeakMemory() starts
/// the measurement anew where the system allows that.
uint64_t peakMemoryBytes();
void resetPeakMemory();

} // namespace nibblesmith::quantization
