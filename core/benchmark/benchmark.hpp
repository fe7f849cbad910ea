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

struct BenchmarkOptions {
  int64_t promptTokens = 128;
  int64_t generatedTokens = 64;
  int warmupRuns = 1;
  int repetitions = 5;
};

struct Summary {
  double mean = 0, standardDeviation = 0, minimum = 0, p50 = 0, p90 = 0, p99 = 0, maximum = 0;
};
/// Percentiles by linear interpolation between order statistics (numpy's default).
Summary summarize(std::span<const double> samples);

struct BenchmarkResult {
  BenchmarkOptions options;
  std::vector<double> promptMs; ///< one per repetition: the whole prompt
  std::vector<double> tokenMs;  ///< one per generated token, all repetitions
  double loadMs = 0;
  uint64_t peakRssBytes = 0; ///< of the process, load included
  uint64_t weightBytes = 0;
  uint64_t kvCacheBytes = 0; ///< for the prompt and what is generated after it; 0: not known
  std::string kvCache;       ///< how it is kept: "f16", "int4, keys by channel, ..."
  base::Json context; ///< cpu, isa, cores, threads, governor, temperatureC, throttled, kernel, build, version

  double promptTokensPerSecond() const;
  double tokensPerSecond() const;
};

/// Loads the model and measures, in this process: meant for a process of its own (nsmith-runner), whose peak
/// memory is then the model's.
BenchmarkResult runBenchmark(const std::filesystem::path& artifact, const BenchmarkOptions& options,
                             base::ThreadPool& pool, const std::stop_token& stop, base::Progress& progress);

/// The JSON that nsmith-runner prints; both directions, schema version 1. Reading throws
/// base::Error{Corrupt}.
base::Json toJson(const BenchmarkResult& result);
BenchmarkResult benchmarkFromJson(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::benchmark
