// SPDX-License-Identifier: Apache-2.0
#include "workflow/compare.hpp"

#include <cctype>

namespace nibblesmith::workflow {

namespace {

CompareRow measure(const CompareRequest& request, CompareRow row, const Services& services,
                   const std::stop_token& stop, base::Progress& progress) {
  EvaluateRequest evaluation = request.evaluation;
  evaluation.artifact = row.artifact;
  base::SubProgress evaluating(progress, 0.35, 0.85, "evaluating");
  row.evaluation = evaluate(evaluation, services, stop, evaluating);
  base::SubProgress measuring(progress, 0.85, 1.0, "measuring");
  row.benchmark = runBenchmark({row.artifact, request.benchmark}, services, stop, measuring);
  return row;
}

} // namespace

std::string directoryNameOf(const quantization::Recipe& recipe) {
  std::string name;
  for (const char character : recipe.name) {
    const auto byte = static_cast<unsigned char>(character);
    if (std::isalnum(byte))
      name += static_cast<char>(std::tolower(byte));
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (!name.empty() && name.back() == '-')
    name.pop_back();
  return name.empty() ? "unnamed" : name;
}

std::vector<CompareRow> compare(const CompareRequest& request, const Services& services,
                                const std::function<void(const CompareRow&)>& onRow,
                                const std::stop_token& stop, base::Progress& progress) {
  std::vector<CompareRow> rows;
  const double share = 1.0 / static_cast<double>(request.recipes.size() + 1);
  const auto part = [&](const std::string& name) {
    const double begin = share * static_cast<double>(rows.size());
    return base::SubProgress(progress, begin, begin + share, name);
  };
  const auto add = [&](CompareRow row) {
    rows.push_back(std::move(row));
    if (onRow)
      onRow(rows.back());
  };

  CompareRow baseline;
  baseline.name = "as it is";
  baseline.artifact = request.model;
  baseline.weightBytes = inspect(request.model).weightBytes;
  base::SubProgress first = part("baseline");
  add(measure(request, baseline, services, stop, first));

  for (const quantization::Recipe& recipe : request.recipes) {
    base::SubProgress whole = part(recipe.name);
    base::SubProgress quantizing(whole, 0, 0.35, "quantizing");
    const QuantizeResult quantized =
        quantize({request.model, recipe, request.calibrationFile,
                  request.outDirectory / directoryNameOf(recipe), request.evaluation.text},
                 services, stop, quantizing);
    CompareRow row;
    row.name = recipe.name;
    row.artifact = quantized.artifact;
    row.weightBytes = quantized.sizeBytes;
    row.quantizeSeconds = quantized.actual.seconds;
    add(measure(request, row, services, stop, whole));
  }
  progress.report(1, "done");
  return rows;
}

} // namespace nibblesmith::workflow
