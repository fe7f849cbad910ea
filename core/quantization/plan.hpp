// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/activation_plan.hpp"
#include "quantization/engine.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

/// Resolved choices for one linear layer.
struct LinearPlan {
  std::string name;
  std::shared_ptr<const Grid> grid; ///< null: the layer keeps its stored format
  /// Quantization of the layer's input; null: none.
  std::shared_ptr<const ActivationPlan> activations = nullptr;
};

/// Recipe resolved for a model: every choice is checked, every pattern is matched.
struct Plan {
  std::vector<std::unique_ptr<Transform>> transforms;
  std::unique_ptr<Rounding> rounding;
  base::Json recipe;                           ///< the recipe with all defaults and without its name
  std::vector<std::vector<LinearPlan>> blocks; ///< [block][index in model::BlockWeights::linears]

  /// Returns true if a transform uses the inputs of the stages.
  bool transformsStages() const;
  /// Returns true if calibration sequences must run through the model.
  bool needsCalibration() const;
  /// Returns true if the block has a linear to quantize.
  bool quantizes(size_t block) const;
};

/// Returns the name of the first method in the recipe that needs calibration, for messages; empty: none.
std::string choiceNeedingCalibration(const Plan& plan);

/// Returns the canonical names of all linears, [block][index in model::BlockWeights::linears]. All blocks
/// have the same linears.
std::vector<std::vector<std::string>> linearNames(const model::Model& model);

/// Applies Transform::changeModel() of all transforms in order.
ChangedModel changeModel(const Plan& plan, std::shared_ptr<const model::Model> model);

/// Resolves a recipe for a model. Throws base::Error with the field of the recipe: {NotFound} for an unknown
/// method, {NotSupported} for a choice that this version does not support, {InvalidArgument} for others, such
/// as a pattern that matches nothing.
Plan makePlan(const model::Model& model, const Recipe& recipe, const MethodCatalog& methods);

} // namespace nibblesmith::quantization
