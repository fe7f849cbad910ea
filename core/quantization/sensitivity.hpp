// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "calibration/calibration_set.hpp"
#include "quantization/plan.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

/// Measure of what rounding a layer costs.
enum class SensitivityMeasure {
  Divergence,  ///< KL divergence of the model's outputs; runs the rest of the model once per layer and width
  OutputError, ///< error of the layer's own outputs: much faster, but ignores the layers after it
};

/// Cost of one linear layer at one width, with all other layers unquantized.
struct WidthCost {
  int bits = 0;
  /// Mean KL divergence D(P || Q) of the next-token distributions, in nats per token; 0 if not measured.
  double divergence = 0;
  double relativeOutputError = 0; ///< |y' - y| / |y| of the layer's outputs
};

/// Costs of one linear layer at all measured widths.
struct LayerSensitivity {
  std::string name; ///< canonical name
  /// Number of weights.
  int64_t weights = 0;
  std::vector<WidthCost> widths; ///< ascending in bits
};

/// Result of measureSensitivity().
struct Sensitivity {
  SensitivityMeasure measure = SensitivityMeasure::Divergence;
  int64_t tokens = 0;
  std::vector<LayerSensitivity> layers; ///< in model order, without layers that the policy keeps
  /// Spearman's rank correlation between divergence and output error over all layers and widths; 0 if only
  /// one of them was measured.
  double rankCorrelation = 0;
};

/// Widths to measure, and the measure.
struct SensitivityOptions {
  std::vector<int> bits = {2, 3, 4, 8};
  SensitivityMeasure measure = SensitivityMeasure::Divergence;
};

/// Measures what rounding each layer alone, at each width, does to the calibration sequences. Layers are
/// rounded to nearest on the recipe's grid. Transform::changeModel() is applied, other transforms and the
/// rounding are not. Holds all weights in memory. The result does not depend on the number of threads. Throws
/// base::Error{InvalidArgument} with the field of the recipe, or if the grid has no bits parameter;
/// {Numerical} if outputs are not finite; base::Cancelled.
Sensitivity measureSensitivity(const Plan& plan, const calibration::CalibrationSet& calibration,
                               const SensitivityOptions& options, base::ThreadPool& pool,
                               const std::stop_token& stop, base::Progress& progress);

/// Bit widths chosen for all layers.
struct Allocation {
  std::vector<int> bits;  ///< in the order of Sensitivity::layers
  double averageBits = 0; ///< mean bits per weight of the codes
  double cost = 0;        ///< sum of costOf() over the layers
  bool exact = true; ///< False: sizes were rounded up to larger units, so a slightly better choice may exist.
};

/// Returns the cost that the allocation minimizes: the divergence, or the squared output error.
double costOf(const Sensitivity& sensitivity, const WidthCost& width);

/// Chooses the widths with the least total cost whose codes take at most targetBits per weight on average.
/// Solves a multiple-choice knapsack by dynamic programming over sizes in units of their greatest common
/// divisor. Costs are assumed to add up. Throws base::Error{InvalidArgument} if even the smallest widths
/// exceed targetBits.
Allocation allocateBits(const Sensitivity& sensitivity, double targetBits);

/// Returns the recipe with an override for every layer whose width differs from the recipe's. Overrides of an
/// earlier allocation are replaced. Throws base::Error{InvalidArgument} if the policy keeps a layer.
Recipe withAllocation(Recipe recipe, const Sensitivity& sensitivity, const Allocation& allocation);

/// Converts to JSON for files and the experiment log.
base::Json toJson(const Sensitivity& sensitivity);
/// Parses the JSON of toJson(). Throws base::Error{Corrupt} with origin and field.
Sensitivity sensitivityFromJson(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::quantization
