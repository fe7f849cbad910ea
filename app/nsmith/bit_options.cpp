// SPDX-License-Identifier: Apache-2.0
#include "bit_options.hpp"
#include "quantization/recipe.hpp"
#include "quantization/sensitivity.hpp"
#include "workflow/sensitivity.hpp"

#include <charconv>

namespace nibblesmith::nsmith {

namespace {

std::vector<int> widthsOf(const std::string& text) {
  std::vector<int> widths;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    int bits = 0;
    const auto [rest, failure] = std::from_chars(at, end, bits);
    if (failure != std::errc() || (rest < end && *rest != ','))
      throw UsageError("--widths: expected bits like 2,3,4,8, found '" + text + "'");
    widths.push_back(bits);
    at = rest < end ? rest + 1 : rest;
  }
  return widths;
}

} // namespace

void addBitOptions(QCommandLineParser& parser) {
  addOption(parser, "target-bits", "BITS",
            "Choose each layer's bits so that codes take this many on average: 3.5.");
  addOption(parser, "widths", "LIST", "Bits to choose from (2,3,4,8).");
  addOption(parser, "measure", "WHAT",
            "divergence of the model's output (the default), or outputError of the layer alone: much faster, "
            "less sure.");
  addOption(parser, "sequences", "N", "Calibration sequences that the layers are measured on (4).");
  addOption(parser, "tokens", "N", "Tokens of one of them, at most (256).");
}

quantization::Sensitivity measuredSensitivity(const Invocation& call, const std::string& model,
                                              const quantization::Recipe& recipe) {
  workflow::SensitivityRequest request;
  request.model = model;
  request.recipe = recipe;
  request.calibrationFile = call.text("calibration", "");
  request.sequences = call.integer("sequences", request.sequences, 1);
  request.tokens = call.integer("tokens", request.tokens, 2);
  if (call.has("widths"))
    request.options.bits = widthsOf(call.text("widths"));
  if (call.has("measure") && call.oneOf("measure", {"divergence", "outputError"}) == "outputError")
    request.options.measure = quantization::SensitivityMeasure::OutputError;
  return workflow::sensitivity(request, call.services(), call.stop(), call.progress());
}

double targetBits(const Invocation& call) {
  const std::string text = call.text("target-bits");
  double value = 0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || rest != text.data() + text.size() || !(value > 0.0))
    throw UsageError("--target-bits: expected a number like 3.5, found '" + text + "'");
  return value;
}

} // namespace nibblesmith::nsmith
