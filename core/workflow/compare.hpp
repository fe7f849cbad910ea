// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workflow/requests.hpp"

#include <functional>

namespace nibblesmith::workflow {

/// The main job: a model as it is and under several recipes, each evaluated and measured alike.
struct CompareRequest {
  std::filesystem::path model;
  std::vector<quantization::Recipe> recipes;
  std::filesystem::path calibrationFile;
  std::filesystem::path outDirectory; ///< one artifact directory per recipe goes in here
  EvaluateRequest evaluation;         ///< its artifact is set for each variant
  benchmark::BenchmarkOptions benchmark;
};

struct CompareRow {
  std::string name; ///< the recipe's, or the model's for the baseline
  std::filesystem::path artifact;
  uint64_t weightBytes = 0;
  double quantizeSeconds = 0;
  EvaluateResult evaluation;
  benchmark::BenchmarkResult benchmark;
};

/// Baseline first, then the recipes in order; onRow is called as each is ready. Artifacts are replaced.
std::vector<CompareRow> compare(const CompareRequest& request, const Services& services,
                                const std::function<void(const CompareRow&)>& onRow,
                                const std::stop_token& stop, base::Progress& progress);

/// A recipe's name as a directory name: "gptq-4-bit-group-128".
std::string directoryNameOf(const quantization::Recipe& recipe);

} // namespace nibblesmith::workflow
