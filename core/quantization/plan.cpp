// SPDX-License-Identifier: Apache-2.0
#include "quantization/plan.hpp"

#include "base/error.hpp"
#include "model/family.hpp"
#include "quantization/kv_cache.hpp"
#include "quantization/policy.hpp"

#include <algorithm>
#include <map>

namespace nibblesmith::quantization {

namespace {

using base::Error;
using base::ErrorCode;

void checkPatterns(const Policy& policy, const std::vector<std::vector<std::string>>& names) {
  const auto matchesLinear = [&](const std::string& pattern) {
    return std::any_of(names.begin(), names.end(), [&](const std::vector<std::string>& block) {
      return std::any_of(block.begin(), block.end(),
                         [&](const std::string& name) { return matchesName(pattern, name); });
    });
  };
  constexpr const char* kWhole[] = {"lm_head", "model.embed_tokens"};
  for (const std::string& pattern : policy.keep)
    if (!matchesLinear(pattern) && std::none_of(std::begin(kWhole), std::end(kWhole),
                                                [&](const char* name) { return matchesName(pattern, name); }))
      throw Error(ErrorCode::InvalidArgument, "recipe: 'policy.keep': the pattern \"" + pattern +
                                                  "\" matches none of the model's tensors");
  for (const char* name : kWhole)
    if (std::none_of(policy.keep.begin(), policy.keep.end(),
                     [&](const std::string& pattern) { return matchesName(pattern, name); }))
      throw Error(ErrorCode::NotSupported,
                  std::string("recipe: 'policy.keep': expected a pattern that keeps \"") + name +
                      "\": only the linear layers of the blocks can be quantized");
  for (const Override& override : policy.overrides)
    if (!matchesLinear(override.match))
      throw Error(ErrorCode::InvalidArgument, "recipe: 'policy.overrides': the pattern \"" + override.match +
                                                  "\" matches none of the model's linear layers");
}

/// Returns the recipe with every default written out.
Recipe completed(Recipe recipe, const MethodCatalog& methods) {
  for (MethodChoice& transform : recipe.transforms)
    transform = completeChoice(methods.find(MethodKind::Transform, transform.use), transform);
  recipe.rounding = completeChoice(methods.find(MethodKind::Rounding, recipe.rounding.use), recipe.rounding);
  recipe.grid = completeChoice(gridDescription(recipe.grid.use), recipe.grid);
  makeActivationPlan(recipe.activations);
  if (recipe.activations.use != "none")
    recipe.activations = completeChoice(activationDescription(recipe.activations.use), recipe.activations);
  return recipe;
}

/// Returns JSON that is the same for all recipes that do the same, for the fingerprint.
base::Json settingsOf(const Recipe& complete, bool needsCalibration) {
  base::Json json = toJson(complete);
  json.erase("name");
  json["kvCache"] = model::toJson(kvCacheScheme(complete.kvCache));
  if (!needsCalibration)
    json.erase("calibration");
  return json;
}

/// Checks that the weights allow quantized inputs: an affine grid; outliers require 8 bits per channel,
/// symmetric.
void checkActivations(const MethodChoice& choice, const LinearPlan& linear) {
  if (!linear.activations)
    return;
  if (!linear.grid->isAffine())
    throw Error(ErrorCode::InvalidArgument,
                "recipe: 'activations': expected \"none\", because the grid of '" + linear.name +
                    "' is not affine, found \"" + choice.use + "\"");
  if (linear.activations->scheme.outlierThreshold > 0 &&
      (linear.grid->bits() != 8 || linear.grid->groupSize() != 0 || !linear.grid->symmetric()))
    throw Error(ErrorCode::InvalidArgument,
                "recipe: 'grid': expected 8-bit per channel symmetric, as the activations \"" + choice.use +
                    "\" require, found " + describeGrid(*linear.grid) + " for '" + linear.name + "'");
}

/// Factory of LinearPlan; linears with the same choices share one grid and one activation plan.
class LinearPlans {
public:
  explicit LinearPlans(const Recipe& recipe) : m_recipe(recipe) {}

  LinearPlan plan(const std::string& name) {
    LinearPlan linear{name, nullptr};
    const auto choice = gridFor(m_recipe, name);
    if (!choice)
      return linear;
    const MethodChoice inputs = activationsFor(m_recipe, name);
    try {
      linear.grid = gridOf(*choice);
      linear.activations = activationsOf(inputs);
    } catch (const Error& error) {
      // The recipe's own choices are already checked, so the error is an override's.
      throw Error(error.code(), std::string(error.what()) + " (for '" + name + "', by 'policy.overrides')");
    }
    checkActivations(inputs, linear);
    return linear;
  }

private:
  static std::string keyOf(const MethodChoice& choice) { return choice.use + choice.parameters.dump(); }

  std::shared_ptr<const Grid> gridOf(const MethodChoice& choice) {
    auto& grid = m_grids[keyOf(choice)];
    if (!grid)
      grid = makeGrid(choice.use, choice.parameters);
    return grid;
  }

  std::shared_ptr<const ActivationPlan> activationsOf(const MethodChoice& choice) {
    const auto [found, isNew] = m_activations.try_emplace(keyOf(choice));
    if (isNew)
      if (const auto made = makeActivationPlan(choice))
        found->second = std::make_shared<ActivationPlan>(*made);
    return found->second;
  }

  const Recipe& m_recipe;
  std::map<std::string, std::shared_ptr<const Grid>> m_grids;
  std::map<std::string, std::shared_ptr<const ActivationPlan>> m_activations;
};

/// Checks that all layers have the same outlier threshold, because bitsandbytes' layout stores one per model.
void checkOutliers(const Plan& plan) {
  const auto threshold = [](const LinearPlan& linear) {
    return linear.activations ? linear.activations->scheme.outlierThreshold : 0.0f;
  };
  const LinearPlan* first = nullptr;
  for (const auto& block : plan.blocks)
    for (const LinearPlan& linear : block) {
      if (!linear.grid)
        continue;
      if (first && threshold(linear) != threshold(*first))
        throw Error(ErrorCode::InvalidArgument, "recipe: 'activations': expected \"llm.int8\" with one "
                                                "threshold for every quantized layer or for none, found '" +
                                                    first->name + "' and '" + linear.name + "' to differ");
      first = first ? first : &linear;
    }
}

/// Fills plan.blocks. Throws if nothing is left to quantize.
void planLinears(const model::Model& model, const Recipe& recipe, Plan& plan) {
  makeGrid(recipe.grid.use, recipe.grid.parameters);
  const auto names = linearNames(model);
  checkPatterns(recipe.policy, names);
  LinearPlans linears(recipe);
  bool any = false;
  for (const auto& block : names) {
    plan.blocks.emplace_back();
    for (const std::string& name : block) {
      plan.blocks.back().push_back(linears.plan(name));
      any = any || plan.blocks.back().back().grid;
    }
  }
  if (!any)
    throw Error(ErrorCode::InvalidArgument,
                "recipe: 'policy.keep': keeps every linear layer; nothing is left to quantize");
  checkOutliers(plan);
}

/// Applies Transform::changeModel() of all transforms in order.
void changeModel(Plan& plan, std::shared_ptr<const model::Model> model) {
  plan.source = plan.model = std::move(model);
  for (const auto& transform : plan.transforms) {
    ChangedModel changed = transform->changeModel(std::move(plan.model));
    plan.model = std::move(changed.model);
    plan.notes.insert(plan.notes.end(), changed.notes.begin(), changed.notes.end());
  }
}

/// Returns the first static activation plan; null: there is none.
const ActivationPlan* staticInputs(const Plan& plan) {
  for (const auto& block : plan.blocks)
    for (const LinearPlan& linear : block)
      if (linear.activations && !linear.activations->scheme.isDynamic)
        return linear.activations.get();
  return nullptr;
}

} // namespace

bool Plan::transformsStages() const {
  return std::any_of(transforms.begin(), transforms.end(),
                     [](const auto& transform) { return transform->needsHessian(); });
}

bool Plan::needsCalibration() const {
  return rounding->needsHessian() || staticInputs(*this) || transformsStages();
}

std::string choiceNeedingCalibration(const Plan& plan) {
  for (size_t i = 0; i < plan.transforms.size(); ++i)
    if (plan.transforms[i]->needsHessian())
      return plan.recipe.transforms[i].use;
  if (plan.rounding->needsHessian())
    return plan.recipe.rounding.use;
  const ActivationPlan* inputs = staticInputs(plan);
  return inputs ? inputs->use : std::string();
}

std::vector<std::vector<std::string>> linearNames(const model::Model& model) {
  const std::string first = model.family().block.huggingFace + std::string("0.");
  std::vector<std::vector<std::string>> names(static_cast<size_t>(model.config().numLayers));
  const model::BlockWeights block = model.block(0);
  for (size_t b = 0; b < names.size(); ++b)
    for (const model::LinearWeights& linear : block.linears) {
      const bool canonical = linear.name.starts_with(first);
      names[b].push_back(canonical ? model.family().block.huggingFace + std::to_string(b) + "." +
                                         linear.name.substr(first.size())
                                   : linear.name);
    }
  return names;
}

bool Plan::quantizes(size_t block) const {
  return std::any_of(blocks[block].begin(), blocks[block].end(),
                     [](const LinearPlan& linear) { return linear.grid; });
}

std::shared_ptr<const Plan> makePlan(std::shared_ptr<const model::Model> model, const Recipe& recipe,
                                     const MethodCatalog& methods) {
  auto plan = std::make_shared<Plan>();
  plan->recipe = recipe;
  const Recipe complete = completed(recipe, methods);
  for (const MethodChoice& choice : complete.transforms)
    plan->transforms.push_back(methods.makeTransform(choice.use, choice.parameters));
  plan->rounding = methods.makeRounding(complete.rounding.use, complete.rounding.parameters);
  planLinears(*model, recipe, *plan);
  if (plan->needsCalibration())
    calibration::checkOptions(recipe.calibration);
  plan->settings = settingsOf(complete, plan->needsCalibration());
  changeModel(*plan, std::move(model));
  return plan;
}

} // namespace nibblesmith::quantization
