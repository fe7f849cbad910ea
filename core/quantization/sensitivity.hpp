// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "calibration/calibration_set.hpp"
#include "model/model.hpp"
#include "quantization/recipe.hpp"
#include "quantization/rounding.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

enum class SensitivityMeasure {
  Divergence,  ///< of the model's outputs; the rest of the model is run once per layer and width
  OutputError, ///< of the layer's own outputs: a fraction of the time, and blind to what follows
};

/// What one linear layer costs at one width, with all other layers as they are.
struct WidthCost {
  int bits = 0;
  double divergence =
      0; ///< mean KL divergence D(P || Q) in nats of a token's distribution; 0 where not measured
  double relativeOutputError = 0; ///< |y' - y| / |y| of the layer's outputs
};

struct LayerSensitivity {
  std::string name; ///< canonical
  int64_t weights = 0;
  std::vector<WidthCost> widths; ///< ascending
};

struct Sensitivity {
  SensitivityMeasure measure = SensitivityMeasure::Divergence;
  int64_t tokens = 0;
  std::vector<LayerSensitivity> layers; ///< in the model's order; what the policy keeps is not in it
  /// Spearman's, between divergence and output error over all layers and widths; 0 where only one was
  /// measured.
  double rankCorrelation = 0;
};

struct SensitivityOptions {
  std::vector<int> bits = {2, 3, 4, 8};
  SensitivityMeasure measure = SensitivityMeasure::Divergence;
};

/// Rounds each layer alone to the nearest values of the recipe's grid at each width and measures what that
/// does on the calibration sequences. The model is the one that the recipe's transforms make of it as a
/// whole; transforms and rounding of the blocks are left out. Holds all weights in memory. The result does
/// not depend on the number of threads. Throws base::Error{InvalidArgument} naming the field of the recipe,
/// or where the grid has no bits to choose; {Numerical} where outputs are not finite; base::Cancelled.
Sensitivity measureSensitivity(std::shared_ptr<const model::Model> model, const Recipe& recipe,
                               const MethodCatalog& methods, const calibration::CalibrationSet& calibration,
                               const SensitivityOptions& options, base::ThreadPool& pool,
                               const std::stop_token& stop, base::Progress& progress);

/// Bits for every layer.
struct Allocation {
  std::vector<int> bits;  ///< as Sensitivity::layers
  double averageBits = 0; ///< of the codes, weighted by the layers' sizes
  double cost = 0;        ///< sum of the layers' costs
  bool exact = true; ///< false: sizes were rounded up to larger units, so a slightly better choice may exist
};

/// What the allocation makes least: the divergence, or the squared output error.
double costOf(const Sensitivity& sensitivity, const WidthCost& width);

/// The widths with the least sum of costs whose codes take at most targetBits on average: a multiple-choice
/// knapsack, solved by dynamic programming over sizes in units of their greatest common divisor. Costs are
/// taken to add up. Throws base::Error{InvalidArgument} where even the smallest widths take more.
Allocation allocateBits(const Sensitivity& sensitivity, double targetBits);

/// The recipe with an override for every layer whose width differs from the recipe's own, in the place of
/// those that an earlier allocation made. Throws base::Error{InvalidArgument} where the policy keeps a layer.
Recipe withAllocation(Recipe recipe, const Sensitivity& sensitivity, const Allocation& allocation);

base::Json toJson(const Sensitivity& sensitivity);
/// Throws base::Error{Corrupt} naming origin and field.
Sensitivity sensitivityFromJson(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::quantization
