// SPDX-License-Identifier: Apache-2.0
#include "workflow/quantize.hpp"
#include "artifact_options.hpp"
#include "base/join.hpp"
#include "base/json.hpp"
#include "base/units.hpp"
#include "bit_options.hpp"
#include "calibration/lint.hpp"
#include "output.hpp"
#include "quantization/engine.hpp"
#include "quantization/layer_report.hpp"
#include "quantization/recipe.hpp"
#include "quantization/sensitivity.hpp"
#include "recipe_options.hpp"
#include "table.hpp"

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services& services) {
  addRecipeOptions(parser, services);
  addBitOptions(parser);
  addOption(parser, "sensitivity", "FILE",
            "For --target-bits: what 'nsmith sensitivity' has written, instead of measuring.");
  addOption(parser, "calibration", "FILE", "Prompts or chats (JSON, JSONL), plain text or raw ids (.i32).");
  addOption(parser, "evaluation", "FILE",
            "What the result will be measured on: warns where calibration data overlaps it.");
  addOption(parser, "out", "DIR", "The artifact. Unfinished work is kept beside it and taken up again.");
  addReplaceOption(parser, "an artifact that is at --out already");
  addOption(parser, "memory-limit", "MIB",
            "Memory from which on activations are kept on disk. Default: half of it.");
  addOption(parser, "estimate", "", "Only say what it would cost.");
}

base::Json toJson(const quantization::ResourceUse& use) {
  return {{"seconds", use.seconds},
          {"peakMemoryBytes", use.peakMemoryBytes},
          {"diskBytes", use.diskBytes},
          {"spills", use.spills}};
}

base::Json toJson(const quantization::PhaseSeconds& phases) {
  return {{"hessian", phases.hessian},         {"transforms", phases.transforms},
          {"inputRanges", phases.inputRanges}, {"factorization", phases.factorization},
          {"rounding", phases.rounding},       {"reports", phases.reports},
          {"forward", phases.forward},         {"files", phases.files}};
}

base::Json toJson(const workflow::QuantizeResult& result, const std::string& name) {
  base::Json layers = base::Json::array();
  for (const quantization::LayerReport& layer : result.layers) {
    layers.push_back(quantization::toJson(layer));
    layers.back()["seconds"] = layer.seconds;
  }
  return {{"artifact", result.artifact.string()},
          {"name", name},
          {"sha256", result.sha256},
          {"sizeBytes", result.sizeBytes},
          {"layers", layers},
          {"estimated", toJson(result.estimated)},
          {"actual", toJson(result.actual)},
          {"phases", toJson(result.phases)},
          {"warnings", calibration::toJson(result.findings)},
          {"notes", result.notes},
          {"audit", result.audit.detail}};
}

void show(const workflow::QuantizeResult& result, const std::string& name) {
  Table table({"layer", "grid", "output error", "remarks"});
  for (const quantization::LayerReport& layer : result.layers)
    table.add({layer.name, layer.effective, fixed(layer.relativeOutputError, 4),
               base::join(layer.fallbacks, "; ")});
  print(table);
  print("\n");
  for (const std::string& note : result.notes)
    print("note: {}\n", {note});
  print("artifact  {}\nname      {}\naudit     {}\nsha256    {}\nweights   {}\n"
        "took      {} (estimated {}), peak memory {}\n",
        {result.artifact, name, result.audit.detail, result.sha256, base::formatBytes(result.sizeBytes),
         base::formatDuration(result.actual.seconds), base::formatDuration(result.estimated.seconds),
         base::formatBytes(result.actual.peakMemoryBytes)});
}

base::Json estimateOnly(const Invocation& call, const workflow::QuantizeRequest& request) {
  const workflow::QuantizeEstimate estimate = workflow::estimate(request, call.services());
  if (!call.json())
    print("weights  {} -> {}\ntime     about {}\nmemory   about {}\ndisk     {}{}\n",
          {base::formatBytes(estimate.sourceBytes), base::formatBytes(estimate.artifactBytes),
           base::formatDuration(estimate.resources.seconds),
           base::formatBytes(estimate.resources.peakMemoryBytes),
           base::formatBytes(estimate.resources.diskBytes),
           estimate.resources.spills ? ", activations that memory has no room for included" : ""});
  return {{"sourceBytes", estimate.sourceBytes},
          {"artifactBytes", estimate.artifactBytes},
          {"resources", toJson(estimate.resources)}};
}

/// Returns the recipe, with bits chosen for each layer if --target-bits is given.
quantization::Recipe recipeWithBits(const Invocation& call) {
  quantization::Recipe recipe = recipeFromOptions(call);
  if (!call.has("target-bits"))
    return recipe;
  const double target = targetBits(call);
  const quantization::Sensitivity sensitivity =
      call.has("sensitivity") ? quantization::sensitivityFromJson(
                                    base::readJsonFile(call.text("sensitivity")), call.text("sensitivity"))
                              : measuredSensitivity(call, call.positional(0, "MODEL"), recipe);
  const quantization::Allocation allocation = quantization::allocateBits(sensitivity, target);
  if (!call.json())
    print("bits      {} on average, chosen for each layer\n", {fixed(allocation.averageBits, 3)});
  quantization::Recipe chosen = quantization::withAllocation(recipe, sensitivity, allocation);
  chosen.name = nameOf(call, recipe, chosen);
  return chosen;
}

base::Json run(const Invocation& call) {
  workflow::QuantizeRequest request;
  request.model = call.positional(0, "MODEL");
  request.recipe = recipeWithBits(call);
  request.calibrationFile = call.text("calibration", "");
  request.evaluation = call.text("evaluation", "");
  request.onCalibration = [](const calibration::CalibrationReport& report) {
    printFindings(report.findings);
  };
  request.memoryLimit = static_cast<uint64_t>(call.integer("memory-limit", 0, 0)) << 20;
  if (call.has("estimate"))
    return estimateOnly(call, request);
  request.out = call.text("out");
  request.replace = call.has("replace");
  const workflow::QuantizeResult result =
      workflow::quantize(request, call.services(), call.stop(), call.progress());
  if (!call.json())
    show(result, request.recipe.name);
  return toJson(result, request.recipe.name);
}

} // namespace

const Verb kQuantize = {"quantize", "MODEL", "Make a smaller model by a recipe.", addOptions, run};

} // namespace nibblesmith::nsmith
