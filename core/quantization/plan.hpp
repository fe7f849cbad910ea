// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "quantization/activation_plan.hpp"
#include "quantization/recipe.hpp"
#include "quantization/rounding.hpp"

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

/// Recipe resolved for a model: every choice is checked and complete, every pattern is matched. Engine,
/// estimates and sensitivity take it as it is. Immutable once made; safe for concurrent use.
struct Plan {
  std::shared_ptr<const model::Model> source; ///< the model that the plan was made for
  std::shared_ptr<const model::Model> model;  ///< `source` after Transform::changeModel(): what is quantized
  std::vector<std::string> notes;             ///< notes of changeModel() for the user
  Recipe recipe;                              ///< the recipe as it was given
  base::Json settings;                        ///< the recipe with all defaults and without its name
  std::vector<std::unique_ptr<const Transform>> transforms;
  std::unique_ptr<const Rounding> rounding;
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

/// Resolves a recipe for a model, once for everything that is done with the two. Throws base::Error with the
/// field of the recipe: {NotFound} for an unknown method, {NotSupported} for a choice that this version does
/// not support, {InvalidArgument} for others, such as a pattern that matches nothing.
std::shared_ptr<const Plan> makePlan(std::shared_ptr<const model::Model> model, const Recipe& recipe,
                                     const MethodCatalog& methods);

} // namespace nibblesmith::quantization
