// SPDX-License-Identifier: Apache-2.0
#include "workflow/compare.hpp"

#include "base/error_context.hpp"
#include "base/path_status.hpp"
#include "export/output_check.hpp"
#include "export/output_directory.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/inspect.hpp"
#include "workflow/quantize.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include <unistd.h>

namespace nibblesmith::workflow {

namespace {

namespace fs = std::filesystem;

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

std::vector<QuantizeRequest> quantizeRequestsOf(const CompareRequest& request) {
  const std::vector<std::string> directories = directoryNamesOf(request.recipes);
  std::vector<QuantizeRequest> requests;
  for (size_t i = 0; i < request.recipes.size(); ++i) {
    QuantizeRequest& making = requests.emplace_back();
    making.model = request.model;
    making.recipe = request.recipes[i];
    making.calibrationFile = request.calibrationFile;
    making.out = request.outDirectory / directories[i];
    making.evaluation = request.evaluation.text;
    making.replace = request.replace;
  }
  return requests;
}

/// Removes the directories on the way to a path that did not exist before, if they are empty.
class NewParents {
public:
  explicit NewParents(fs::path path) {
    for (; !path.empty() && !base::pathExists(path) && path.has_relative_path(); path = path.parent_path())
      m_paths.push_back(path);
  }
  ~NewParents() {
    for (const fs::path& path : m_paths)
      ::rmdir(path.c_str());
  }
  NewParents(const NewParents&) = delete;
  NewParents& operator=(const NewParents&) = delete;

private:
  std::vector<fs::path> m_paths; ///< the deepest one first
};

/// Checks everything that the recipes need before the work, which takes hours: a mistake in the last recipe
/// is reported at once. Leaves nothing behind.
void checkAll(const CompareRequest& request, const std::vector<QuantizeRequest>& requests,
              const Services& services, const std::stop_token& stop) {
  if (requests.empty())
    return;
  const NewParents parents(exporting::normalOutput(request.outDirectory));
  const auto model = model::openModel(request.model, stop);
  uint64_t artifactBytes = 0;
  uint64_t workBytes = 0;
  for (const QuantizeRequest& making : requests) {
    const QuantizeSpace space = base::inContext("Recipe '" + making.recipe.name + "'",
                                                [&] { return checkQuantize(making, model, services, stop); });
    artifactBytes += space.artifactBytes;
    workBytes = std::max(workBytes, space.workBytes);
  }
  exporting::checkSpace(requests.front().out, artifactBytes + workBytes,
                        "the work and the artifacts of " + std::to_string(requests.size()) + " recipes");
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
  const std::vector<QuantizeRequest> requests = quantizeRequestsOf(request);
  checkAll(request, requests, services, stop);
  std::vector<CompareRow> rows;
  const double share = 1.0 / static_cast<double>(requests.size() + 1);
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

  for (const QuantizeRequest& making : requests) {
    base::SubProgress whole = part(making.recipe.name);
    base::SubProgress quantizing(whole, 0, 0.35, "quantizing");
    const QuantizeResult quantized = quantize(making, services, stop, quantizing);
    CompareRow row;
    row.name = making.recipe.name;
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
