// SPDX-License-Identifier: Apache-2.0
#include "workflow/compare.hpp"

#include "export/output_check.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/inspect.hpp"
#include "workflow/quantize.hpp"

#include <cctype>
#include <set>

namespace nibblesmith::workflow {

namespace {

CompareRow measure(const CompareRequest& request, CompareRow row, const Services& services,
                   const std::stop_token& stop, base::Progress& progress) {
  EvaluateRequest evaluation = request.evaluation;
  evaluation.artifact = row.artifact;
  evaluation.expectedHash = row.sha256;
  base::SubProgress evaluating(progress, 0.35, 0.85, "evaluating");
  row.evaluation = evaluate(evaluation, services, stop, evaluating);
  base::SubProgress measuring(progress, 0.85, 1.0, "measuring");
  row.benchmark = runBenchmark({row.artifact, request.benchmark, row.sha256}, services, stop, measuring);
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

std::vector<std::string> directoryNamesOf(const std::vector<quantization::Recipe>& recipes) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const quantization::Recipe& recipe : recipes) {
    const std::string stem = directoryNameOf(recipe);
    std::string name = stem;
    for (int number = 2; !taken.insert(name).second; ++number)
      name = stem + "-" + std::to_string(number);
    names.push_back(name);
  }
  return names;
}

std::vector<CompareRow> compare(const CompareRequest& request, const Services& services,
                                const std::function<void(const CompareRow&)>& onRow,
                                const std::stop_token& stop, base::Progress& progress) {
  const std::vector<std::string> directories = directoryNamesOf(request.recipes);
  for (const std::string& directory : directories)
    exporting::checkArtifactOutput(request.outDirectory / directory, request.replace);
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
  baseline.weightBytes = inspect(request.model, stop).weightBytes;
  base::SubProgress first = part("baseline");
  add(measure(request, baseline, services, stop, first));

  for (size_t i = 0; i < request.recipes.size(); ++i) {
    const quantization::Recipe& recipe = request.recipes[i];
    base::SubProgress whole = part(recipe.name);
    base::SubProgress quantizing(whole, 0, 0.35, "quantizing");
    QuantizeRequest making;
    making.model = request.model;
    making.recipe = recipe;
    making.calibrationFile = request.calibrationFile;
    making.out = request.outDirectory / directories[i];
    making.evaluation = request.evaluation.text;
    making.replace = request.replace;
    const QuantizeResult quantized = quantize(making, services, stop, quantizing);
    CompareRow row;
    row.name = recipe.name;
    row.artifact = quantized.artifact;
    row.sha256 = quantized.sha256;
    row.weightBytes = quantized.sizeBytes;
    row.quantizeSeconds = quantized.actual.seconds;
    add(measure(request, row, services, stop, whole));
  }
  progress.report(1, "done");
  return rows;
}

} // namespace nibblesmith::workflow
