// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmark/benchmark.hpp"
#include "quantization/recipe.hpp"
#include "workflow/evaluate.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace nibblesmith::workflow {

/// Request to evaluate and benchmark a model, and its quantization with each of several recipes, with the
/// same settings.
struct CompareRequest {
  std::filesystem::path model;
  std::vector<quantization::Recipe> recipes;
  std::filesystem::path calibrationFile;
  std::filesystem::path outDirectory; ///< receives one artifact directory per recipe
  EvaluateRequest evaluation;         ///< its artifact is replaced for each variant
  benchmark::BenchmarkOptions benchmark;
  bool replace = false; ///< replaces existing artifacts; otherwise they are refused before the work
};

struct CompareRow {
  std::string name; ///< name of the recipe, or of the model for the baseline
  std::filesystem::path artifact;
  std::string sha256; ///< identity of the artifact; empty for the baseline
  uint64_t weightBytes = 0;
  double quantizeSeconds = 0;
  EvaluateResult evaluation;
  benchmark::BenchmarkResult benchmark;
};

/// Measures the baseline first, then the recipes in order; calls onRow when a row is ready. Checks before the
/// work what every recipe needs: output, space, parameters, calibration data. Throws base::Error naming the
/// recipe; nothing is left behind then. Recipes whose names map to the same directory name get numbered ones.
std::vector<CompareRow> compare(const CompareRequest& request, const Services& services,
                                const std::function<void(const CompareRow&)>& onRow,
                                const std::stop_token& stop, base::Progress& progress);

/// Returns the recipe's name as a directory name: "gptq-4-bit-group-128". Different names may map to the same
/// one.
std::string directoryNameOf(const quantization::Recipe& recipe);

/// Returns one directory name per recipe, all different: "my-recipe", "my-recipe-2".
std::vector<std::string> directoryNamesOf(const std::vector<quantization::Recipe>& recipes);

} // namespace nibblesmith::workflow
