// SPDX-License-Identifier: Apache-2.0
#include "quantization/activation_plan.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace nibblesmith::quantization {

namespace {

using base::Json;

constexpr std::string_view kIntegersJson = R"json({
  "schema": 1, "name": "int8", "kind": "activations", "label": "8-bit integers",
  "help": "Inputs of the quantized layers are rounded to 8-bit integers; with 8-bit weights per channel, layers then multiply integers.",
  "source": "Xiao et al. 2022, arXiv 2211.10438, section 2",
  "needsCalibration": { "mode": "static" },
  "parameters": [
    { "key": "mode", "type": "choice", "label": "Scales found", "choices": ["dynamic", "static"], "default": "dynamic",
      "help": "dynamic: computed from each input at run time. static: computed once from calibration text; cheaper to run, less accurate." },
    { "key": "granularity", "type": "choice", "label": "One scale per", "choices": ["token", "tensor"], "default": "token",
      "appliesWhen": { "mode": "dynamic" },
      "help": "token: each token has its own scale. tensor: all tokens that are computed together share one. A static scale is always one per tensor." },
    { "key": "symmetric", "type": "boolean", "label": "Symmetric", "default": true,
      "help": "The same range on both sides of zero. Off: a zero point shifts the range to where the values are." },
    { "key": "wideInputs", "type": "choice", "label": "Layers with massive inputs", "choices": ["static", "dynamic"], "default": "static",
      "appliesWhen": { "mode": "static" },
      "help": "dynamic: a layer whose inputs are too wide for one static scale (some down projections of most models) uses a dynamic scale per token. static: it keeps the static scale, which rounds most of its inputs to zero. The result lists these layers." },
    { "key": "calibrator", "type": "choice", "label": "Range from", "default": "minmax",
      "choices": ["minmax", "movingAverage", "percentile", "mse", "kl"], "appliesWhen": { "mode": "static" },
      "help": "minmax: the full range of the values. movingAverage: moving average of each sequence's extremes. percentile, mse, kl: clip at a percentile, at the least squared error, or at the least KL divergence (2,048 bins)." },
    { "key": "percentile", "type": "number", "label": "Percentile", "unit": "%", "minimum": 90, "maximum": 100, "default": 99.99,
      "appliesWhen": { "mode": "static", "calibrator": "percentile" },
      "help": "Share of the magnitudes that stay inside the range." },
    { "key": "averagingConstant", "type": "number", "label": "Averaging", "minimum": 0.0001, "maximum": 1, "default": 0.01,
      "appliesWhen": { "mode": "static", "calibrator": "movingAverage" },
      "help": "Weight of each further sequence in the moving average." }
  ]
})json";

constexpr std::string_view kLlmInt8Json = R"json({
  "schema": 1, "name": "llm.int8", "kind": "activations", "label": "LLM.int8",
  "help": "Inputs are rounded to 8-bit integers per token, except for outliers, which are multiplied in floating point. Needs 8-bit symmetric weights per channel and no calibration.",
  "source": "Dettmers et al. 2022, arXiv 2208.07339",
  "parameters": [
    { "key": "threshold", "type": "number", "label": "Outliers from", "minimum": 0.01, "maximum": 1000, "default": 6.0,
      "help": "Magnitude from which a value of the input counts as an outlier and is not rounded." }
  ]
})json";

MethodDescription fourBits(MethodDescription description) {
  description.name = "int4";
  description.label = description.shortLabel = "4-bit integers";
  description.help = "Inputs of the quantized layers are rounded to 4-bit integers. Costs most models much "
                     "of their quality; a rotation or SmoothQuant before it helps.";
  return description;
}

calibration::RangeMethod rangeMethod(const std::string& name) {
  using calibration::RangeMethod;
  if (name == "movingAverage")
    return RangeMethod::MovingAverage;
  if (name == "percentile")
    return RangeMethod::Percentile;
  if (name == "mse")
    return RangeMethod::MeanSquaredError;
  return name == "kl" ? RangeMethod::KlDivergence : RangeMethod::MinMax;
}

} // namespace

const std::vector<MethodDescription>& activationDescriptions() {
  static const std::vector<MethodDescription> descriptions = [] {
    const auto parse = [](std::string_view text) {
      return methodFromJson(base::parseJson(text, "activations"), "activations");
    };
    const MethodDescription integers = parse(kIntegersJson);
    return std::vector<MethodDescription>{integers, fourBits(integers), parse(kLlmInt8Json)};
  }();
  return descriptions;
}

const MethodDescription& activationDescription(const std::string& use) {
  std::string known = "none";
  for (const MethodDescription& description : activationDescriptions()) {
    if (description.name == use)
      return description;
    known += ", " + description.name;
  }
  throw base::Error(base::ErrorCode::NotFound,
                    "recipe: 'activations': expected one of " + known + ", found \"" + use + "\"");
}

std::optional<ActivationPlan> makeActivationPlan(const MethodChoice& choice) {
  if (choice.use == "none") {
    if (!choice.parameters.empty())
      throw base::Error(base::ErrorCode::InvalidArgument, "recipe: 'activations': expected no '" +
                                                              choice.parameters.begin().key() +
                                                              "' beside \"none\"");
    return std::nullopt;
  }
  const Json parameters = completeParameters(activationDescription(choice.use), choice.parameters);
  ActivationPlan plan;
  plan.use = choice.use;
  if (choice.use == "llm.int8") {
    plan.scheme.outlierThreshold = parameters["threshold"].get<float>();
    return plan;
  }
  plan.scheme.bits = choice.use == "int4" ? 4 : 8;
  plan.scheme.symmetric = parameters["symmetric"].get<bool>();
  plan.scheme.isDynamic = parameters["mode"] == "dynamic";
  if (!plan.scheme.isDynamic && choice.parameters.value("granularity", "tensor") == "token")
    throw base::Error(
        base::ErrorCode::InvalidArgument,
        choice.use +
            ": 'granularity': expected \"tensor\" for 'mode' \"static\", because per-token scales are "
            "computed at run time, found \"token\"");
  if (!plan.scheme.isDynamic || parameters["granularity"] == "tensor")
    plan.scheme.granularity = tensor::ActivationScheme::Granularity::Tensor;
  plan.dynamicFallback = parameters["wideInputs"] == "dynamic";
  plan.range.method = rangeMethod(parameters["calibrator"].get<std::string>());
  plan.range.bits = plan.scheme.bits;
  plan.range.percentile = parameters["percentile"].get<double>();
  plan.range.averagingConstant = parameters["averagingConstant"].get<double>();
  return plan;
}

} // namespace nibblesmith::quantization
