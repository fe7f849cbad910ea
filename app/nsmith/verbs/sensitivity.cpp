// SPDX-License-Identifier: Apache-2.0
#include "quantization/sensitivity.hpp"
#include "base/file.hpp"
#include "bit_options.hpp"
#include "output.hpp"
#include "quantization/recipe.hpp"
#include "recipe_options.hpp"
#include "table.hpp"

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services& services) {
  addRecipeOptions(parser, services);
  addBitOptions(parser);
  addOption(parser, "calibration", "FILE", "Prompts: JSON, JSONL, plain text or raw ids (.i32).");
  addOption(parser, "out", "FILE", "Write the measurements as JSON, for 'quantize --sensitivity'.");
  addOption(parser, "write-recipe", "FILE", "Write the recipe with the bits chosen for --target-bits.");
}

void show(const quantization::Sensitivity& sensitivity, const quantization::Allocation* allocation) {
  const bool divergence = sensitivity.measure == quantization::SensitivityMeasure::Divergence;
  std::vector<std::string> header = {"layer"};
  for (const auto& width : sensitivity.layers.front().widths)
    header.push_back(std::to_string(width.bits) + " bit");
  if (allocation)
    header.push_back("chosen");
  Table table(header);
  for (size_t l = 0; l < sensitivity.layers.size(); ++l) {
    std::vector<std::string> row = {sensitivity.layers[l].name};
    for (const auto& width : sensitivity.layers[l].widths)
      row.push_back(
          fixed(divergence ? 1000.0 * width.divergence : width.relativeOutputError, divergence ? 3 : 4));
    if (allocation)
      row.push_back(std::to_string(allocation->bits[l]));
    table.add(row);
  }
  print(table);
  print("\n{}, over {} tokens\n", {divergence ? "KL divergence of the model's output in thousandths of a nat"
                                              : "relative output error of the layer",
                                   sensitivity.tokens});
  if (divergence)
    print("rank correlation with the layers' output errors: {}\n", {fixed(sensitivity.rankCorrelation, 2)});
  if (allocation)
    print("chosen: {} bits on average{}\n",
          {fixed(allocation->averageBits, 3),
           allocation->exact ? "" : " (sizes rounded up to units: close to the best choice)"});
}

base::Json run(const Invocation& call) {
  const quantization::Recipe recipe = recipeFromOptions(call);
  if (call.has("write-recipe") && !call.has("target-bits"))
    throw UsageError("--write-recipe: expected --target-bits beside it, found none");
  const double target = call.has("target-bits") ? targetBits(call) : 0.0;
  const quantization::Sensitivity sensitivity =
      measuredSensitivity(call, call.positional(0, "MODEL"), recipe);
  base::Json json = quantization::toJson(sensitivity);
  if (call.has("out"))
    base::writeFileAtomically(call.text("out"), json.dump(1) + "\n");
  if (!call.has("target-bits")) {
    if (!call.json())
      show(sensitivity, nullptr);
    return json;
  }
  const quantization::Allocation allocation = quantization::allocateBits(sensitivity, target);
  quantization::Recipe mixed = quantization::withAllocation(recipe, sensitivity, allocation);
  mixed.name = nameOf(call, recipe, mixed);
  const base::Json chosen = quantization::toJson(mixed);
  if (call.has("write-recipe"))
    base::writeFileAtomically(call.text("write-recipe"), chosen.dump(1) + "\n");
  if (!call.json())
    show(sensitivity, &allocation);
  json["allocation"] = {{"targetBits", target},
                        {"averageBits", allocation.averageBits},
                        {"bits", allocation.bits},
                        {"cost", allocation.cost},
                        {"exact", allocation.exact}};
  json["recipe"] = chosen;
  return json;
}

} // namespace

const Verb kSensitivity = {"sensitivity", "MODEL",
                           "Measure what each layer loses at each width, and choose bits.", addOptions, run};

} // namespace nibblesmith::nsmith
