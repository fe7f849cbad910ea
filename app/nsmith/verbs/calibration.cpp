// SPDX-License-Identifier: Apache-2.0
#include "calibration/lint.hpp"
#include "output.hpp"
#include "quantization/recipe.hpp"
#include "recipe_options.hpp"
#include "workflow/calibration_check.hpp"

namespace nibblesmith::nsmith {

void printFindings(const std::vector<calibration::Finding>& findings) {
  for (const calibration::Finding& finding : findings) {
    std::string examples;
    for (const std::string& example : finding.examples)
      examples += (examples.empty() ? " (" : ", ") + example;
    if (!examples.empty())
      examples += static_cast<size_t>(finding.count) > finding.examples.size() ? ", ...)" : ")";
    printError("warning: {}: {}{}\n", {finding.check, finding.message, examples});
  }
}

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "model", "MODEL", "The model that is to be calibrated.");
  addOption(parser, "recipe", "FILE", "Take the calibration options of this recipe; flags take precedence.");
  addOption(parser, "evaluation", "FILE",
            "What the result will be measured on: warns where calibration data overlaps it.");
  addCalibrationOptions(parser);
}

base::Json run(const Invocation& call) {
  workflow::CalibrationRequest request;
  request.file = call.positional(0, "FILE");
  request.model = call.text("model");
  request.evaluation = call.text("evaluation", "");
  const quantization::Recipe recipe =
      call.has("recipe") ? quantization::readRecipe(call.text("recipe")) : quantization::Recipe();
  request.options = calibrationFromOptions(call, recipe.calibration);
  const calibration::CalibrationReport report =
      workflow::checkCalibration(request, call.services(), call.stop(), call.progress());
  if (!call.json()) {
    print("holds      {} {}\ntemplate   {}\nsamples    {}, {} tokens\nsha256     {}\n",
          {report.entries, report.kind,
           report.chatTemplate.empty() ? "none that is known" : report.chatTemplate,
           report.set.sequences.size(), report.tokens, report.set.hash});
    printFindings(report.findings);
  }
  return {{"kind", report.kind},
          {"entries", report.entries},
          {"chatTemplate", report.chatTemplate},
          {"samples", report.set.sequences.size()},
          {"tokens", report.tokens},
          {"sha256", report.set.hash},
          {"warnings", calibration::toJson(report.findings)}};
}

} // namespace

const Verb kCalibration = {"calibration", "FILE --model MODEL",
                           "Look for trouble in calibration data before it costs hours.", addOptions, run};

} // namespace nibblesmith::nsmith
