// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/activation_plan.hpp"
#include "quantization/engine.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

/// What happens to one linear layer.
struct LinearPlan {
  std::string name;
  std::shared_ptr<const Grid> grid; ///< null: stays as stored
  std::shared_ptr<const ActivationPlan> activations =
      nullptr; ///< of what is rounded; null: its inputs are not
};

/// A recipe applied to a model: every choice checked, every pattern resolved.
struct Plan {
  std::vector<std::unique_ptr<Transform>> transforms;
  std::unique_ptr<Rounding> rounding;
  base::Json recipe;                           ///< with all defaults filled in and without its name
  std::vector<std::vector<LinearPlan>> blocks; ///< [block][as in model::BlockWeights]

  /// Whether any transform looks at the inputs of the stages.
  bool transformsStages() const;
  /// Whether calibration text has to run through the model.
  bool needsCalibration() const;
  /// Whether anything in this block is rounded.
  bool quantizes(size_t block) const;
};

/// The first choice of the recipe that needs calibration text, for messages; empty: none does.
std::string calibratedChoice(const Plan& plan);

/// Canonical names of the linears, [block][as in model::BlockWeights]; all blocks are built alike.
std::vector<std::vector<std::string>> linearNames(const model::Model& model);

/// `model` as the plan's transforms change it as a whole, one after the other.
ChangedModel changeModel(const Plan& plan, std::shared_ptr<const model::Model> model);

/// Throws base::Error naming the field of the recipe: {NotFound} for an unknown method, {NotSupported} for a
/// choice that this version cannot make, {InvalidArgument} for the rest, patterns that match nothing
/// included.
Plan makePlan(const model::Model& model, const Recipe& recipe, const MethodCatalog& methods);

} // namespace nibblesmith::quantization
