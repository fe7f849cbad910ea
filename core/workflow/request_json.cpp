// SPDX-License-Identifier: Apache-2.0
#include "workflow/request_json.hpp"

namespace nibblesmith::workflow {

namespace {

// Requests are read by structured bindings: adding a field without storing it here does not compile.

std::filesystem::path pathFrom(const base::Json& json, const char* key, const std::string& origin) {
  return base::required<std::string>(json, key, origin);
}

/// Reads a list. Throws if the array or one of its members has another type.
template <typename T>
std::vector<T> listFrom(const base::Json& json, const char* key, const std::string& origin) {
  const base::Json list = base::required<base::Json>(json, key, origin);
  if (!list.is_array())
    base::throwJsonType(json, key, "an array", origin);
  std::vector<T> values;
  for (const base::Json& value : list)
    values.push_back(base::required<T>({{key, value}}, key, origin));
  return values;
}

/// Reads one of two names as an enum value.
template <typename Value>
Value choiceFrom(const base::Json& json, const char* key, const std::pair<const char*, Value>& first,
                 const std::pair<const char*, Value>& second, const std::string& origin) {
  const auto name = base::required<std::string>(json, key, origin);
  for (const auto& [known, value] : {first, second})
    if (name == known)
      return value;
  base::throwJsonType(json, key, "'" + std::string(first.first) + "' or '" + second.first + "'", origin);
}

using evaluation::PerplexityStyle;
using quantization::SensitivityMeasure;
constexpr std::pair kLlamaCpp{"llama.cpp", PerplexityStyle::LlamaCpp};
constexpr std::pair kWindows{"windows", PerplexityStyle::Windows};
constexpr std::pair kDivergence{"divergence", SensitivityMeasure::Divergence};
constexpr std::pair kOutputError{"outputError", SensitivityMeasure::OutputError};

base::Json toJson(const benchmark::BenchmarkOptions& options) {
  const auto& [promptTokens, generatedTokens, warmupRuns, repetitions] = options;
  return {{"promptTokens", promptTokens},
          {"generatedTokens", generatedTokens},
          {"warmupRuns", warmupRuns},
          {"repetitions", repetitions}};
}

benchmark::BenchmarkOptions benchmarkOptionsFrom(const base::Json& json, const std::string& origin) {
  const auto options = base::required<base::Json>(json, "options", origin);
  return {base::required<int64_t>(options, "promptTokens", origin),
          base::required<int64_t>(options, "generatedTokens", origin),
          base::required<int>(options, "warmupRuns", origin),
          base::required<int>(options, "repetitions", origin)};
}

} // namespace

base::Json toJson(const QuantizeRequest& request) {
  const auto& [model, recipe, calibrationFile, out, evaluation, onCalibration, memoryLimit, replace] =
      request;
  return {{"model", model.string()},
          {"recipe", quantization::toJson(recipe)},
          {"calibrationFile", calibrationFile.string()},
          {"out", out.string()},
          {"evaluation", evaluation.string()},
          {"memoryLimit", memoryLimit},
          {"replace", replace}};
}

QuantizeRequest quantizeRequestFromJson(const base::Json& json, const std::string& origin) {
  QuantizeRequest request;
  request.model = pathFrom(json, "model", origin);
  request.recipe = quantization::recipeFromJson(base::required<base::Json>(json, "recipe", origin), origin);
  request.calibrationFile = pathFrom(json, "calibrationFile", origin);
  request.out = pathFrom(json, "out", origin);
  request.evaluation = pathFrom(json, "evaluation", origin);
  request.memoryLimit = base::required<uint64_t>(json, "memoryLimit", origin);
  request.replace = base::required<bool>(json, "replace", origin);
  return request;
}

base::Json toJson(const SensitivityRequest& request) {
  const auto& [model, recipe, calibrationFile, sequences, tokens, options] = request;
  const auto& [bits, measure] = options;
  return {{"model", model.string()},
          {"recipe", quantization::toJson(recipe)},
          {"calibrationFile", calibrationFile.string()},
          {"sequences", sequences},
          {"tokens", tokens},
          {"bits", bits},
          {"measure", measure == SensitivityMeasure::Divergence ? kDivergence.first : kOutputError.first}};
}

SensitivityRequest sensitivityRequestFromJson(const base::Json& json, const std::string& origin) {
  SensitivityRequest request;
  request.model = pathFrom(json, "model", origin);
  request.recipe = quantization::recipeFromJson(base::required<base::Json>(json, "recipe", origin), origin);
  request.calibrationFile = pathFrom(json, "calibrationFile", origin);
  request.sequences = base::required<int64_t>(json, "sequences", origin);
  request.tokens = base::required<int64_t>(json, "tokens", origin);
  request.options = {listFrom<int>(json, "bits", origin),
                     choiceFrom(json, "measure", kDivergence, kOutputError, origin)};
  return request;
}

base::Json toJson(const EvaluateRequest& request) {
  const auto& [artifact, text, style, context, pairs, maxTokens, limit, expectedHash] = request;
  std::vector<std::string> files;
  for (const std::filesystem::path& file : pairs)
    files.push_back(file.string());
  return {{"artifact", artifact.string()},
          {"text", text.string()},
          {"style", style == PerplexityStyle::LlamaCpp ? kLlamaCpp.first : kWindows.first},
          {"context", context},
          {"pairs", files},
          {"maxTokens", maxTokens},
          {"limit", limit},
          {"expectedHash", expectedHash}};
}

EvaluateRequest evaluateRequestFromJson(const base::Json& json, const std::string& origin) {
  EvaluateRequest request;
  request.artifact = pathFrom(json, "artifact", origin);
  request.text = pathFrom(json, "text", origin);
  request.style = choiceFrom(json, "style", kLlamaCpp, kWindows, origin);
  request.context = base::required<int64_t>(json, "context", origin);
  for (const std::string& file : listFrom<std::string>(json, "pairs", origin))
    request.pairs.emplace_back(file);
  request.maxTokens = base::required<int64_t>(json, "maxTokens", origin);
  request.limit = base::required<int64_t>(json, "limit", origin);
  request.expectedHash = base::required<std::string>(json, "expectedHash", origin);
  return request;
}

base::Json toJson(const BenchmarkRequest& request) {
  const auto& [artifact, options, expectedHash] = request;
  return {{"artifact", artifact.string()}, {"options", toJson(options)}, {"expectedHash", expectedHash}};
}

BenchmarkRequest benchmarkRequestFromJson(const base::Json& json, const std::string& origin) {
  return {pathFrom(json, "artifact", origin), benchmarkOptionsFrom(json, origin),
          base::required<std::string>(json, "expectedHash", origin)};
}

base::Json toJson(const ExportRequest& request) {
  const auto& [artifact, type, out, replace, expectedHash] = request;
  return {{"artifact", artifact.string()},
          {"type", exporting::toString(type)},
          {"out", out.string()},
          {"replace", replace},
          {"expectedHash", expectedHash}};
}

ExportRequest exportRequestFromJson(const base::Json& json, const std::string& origin) {
  return {pathFrom(json, "artifact", origin),
          exporting::ggufTypeFromString(base::required<std::string>(json, "type", origin)),
          pathFrom(json, "out", origin), base::required<bool>(json, "replace", origin),
          base::required<std::string>(json, "expectedHash", origin)};
}

base::Json toJson(const DeployRequest& request) {
  const auto& [artifact, type, access, benchmark, options, expectedHash] = request;
  return {
      {"artifact", artifact.string()}, {"type", type ? base::Json(exporting::toString(*type)) : base::Json()},
      {"device", access.device.name},  {"benchmark", benchmark},
      {"options", toJson(options)},    {"expectedHash", expectedHash}};
}

DeployRequest deployRequestFromJson(const base::Json& json, const std::string& origin) {
  DeployRequest request;
  request.artifact = pathFrom(json, "artifact", origin);
  if (const auto type = base::optional<std::string>(json, "type", {}, origin); !type.empty())
    request.type = exporting::ggufTypeFromString(type);
  request.access.device.name = base::required<std::string>(json, "device", origin);
  request.benchmark = base::required<bool>(json, "benchmark", origin);
  request.options = benchmarkOptionsFrom(json, origin);
  request.expectedHash = base::required<std::string>(json, "expectedHash", origin);
  return request;
}

} // namespace nibblesmith::workflow
