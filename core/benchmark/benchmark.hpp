// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "base/progress.hpp"
#include "runtime/decoder.hpp"

#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::benchmark {

/// Number of tokens and repetitions of a benchmark.
struct BenchmarkOptions {
  int64_t promptTokens = 128;
  int64_t generatedTokens = 64;
  int warmupRuns = 1;
  int repetitions = 5;
};

/// Statistics of a list of samples.
struct Summary {
  double mean = 0, standardDeviation = 0, minimum = 0, p50 = 0, p90 = 0, p99 = 0, maximum = 0;
};
/// Computes mean, sample standard deviation, extremes and percentiles, the latter by linear interpolation
/// between order statistics (numpy's default).
Summary summarize(std::span<const double> samples);

/// Raw times of all repetitions, with memory and conditions.
struct BenchmarkResult {
  BenchmarkOptions options;
  std::vector<double> promptMs; ///< per repetition: the whole prompt
  std::vector<double> tokenMs;  ///< per generated token of all repetitions
  double loadMs = 0;
  uint64_t peakRssBytes = 0; ///< peak of the process, loading included
  uint64_t weightBytes = 0;
  uint64_t kvCacheBytes = 0; ///< for the prompt and the generated tokens; 0: unknown
  std::string kvCache;       ///< storage scheme: "f16", "int4, keys by channel, ..."
  base::Json context; ///< cpu, isa, cores, threads, governor, temperatureC, throttled, kernel, build, version

  /// Throughput over all repetitions, total tokens / total time: of the prompt (prefill), and of generation.
  double promptTokensPerSecond() const;
  double tokensPerSecond() const;
};

/// Loads the model and measures in this process. Run it in a separate process (nsmith-runner), so that the
/// peak memory is the model's. Throws base::Error{InvalidArgument} on options out of range, errors of the
/// loading, base::Cancelled.
BenchmarkResult runBenchmark(const std::filesystem::path& artifact, const BenchmarkOptions& options,
                             base::ThreadPool& pool, const std::stop_token& stop, base::Progress& progress);

/// Converts to and from the JSON that nsmith-runner prints, schema version 1. Reading throws
/// base::Error{Corrupt} with origin and field.
base::Json toJson(const BenchmarkResult& result);
BenchmarkResult benchmarkFromJson(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::benchmark
