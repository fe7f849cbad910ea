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
  bool replace = false; ///< artifacts that are there already; else they are refused before the work
};

struct CompareRow {
  std::string name; ///< the recipe's, or the model's for the baseline
  std::filesystem::path artifact;
  std::string sha256; ///< its identity; empty for the baseline
  uint64_t weightBytes = 0;
  double quantizeSeconds = 0;
  EvaluateResult evaluation;
  benchmark::BenchmarkResult benchmark;
};

/// Baseline first, then the recipes in order; onRow is called as each is ready. All output directories are
/// checked before the work; recipes whose names give the same directory name get numbered ones.
std::vector<CompareRow> compare(const CompareRequest& request, const Services& services,
                                const std::function<void(const CompareRow&)>& onRow,
                                const std::stop_token& stop, base::Progress& progress);

/// A recipe's name as a directory name: "gptq-4-bit-group-128". Several names have the same one.
std::string directoryNameOf(const quantization::Recipe& recipe);

/// One directory name for each recipe, all different: "my-recipe", "my-recipe-2".
std::vector<std::string> directoryNamesOf(const std::vector<quantization::Recipe>& recipes);

} // namespace nibblesmith::workflow
