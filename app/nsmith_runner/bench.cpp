// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "base/units.hpp"
#include "benchmark/benchmark.hpp"
#include "verb.hpp"

#include <cstdio>

namespace nibblesmith::runner {

namespace {

void printRow(const char* name, const std::vector<double>& samples, double rate) {
  const benchmark::Summary summary = benchmark::summarize(samples);
  std::printf("%-10s %10.1f %10.2f %8.2f %8.2f %8.2f %8.2f\n", name, rate, summary.mean,
              summary.standardDeviation, summary.p50, summary.p90, summary.p99);
}

void run(const Arguments& arguments, const std::stop_token& stop, base::Progress& progress) {
  benchmark::BenchmarkOptions options;
  options.promptTokens = arguments.integer("prompt-tokens", options.promptTokens, 1);
  options.generatedTokens = arguments.integer("generated-tokens", options.generatedTokens, 1);
  options.warmupRuns = static_cast<int>(arguments.integer("warmup", options.warmupRuns, 0));
  options.repetitions = static_cast<int>(arguments.integer("repetitions", options.repetitions, 1));
  const std::string model = arguments.only("MODEL");
  base::ThreadPool pool(threadsOf(arguments));
  const benchmark::BenchmarkResult result = benchmark::runBenchmark(model, options, pool, stop, progress);
  if (arguments.has("json")) {
    std::puts(benchmark::toJson(result).dump(2, ' ', false, base::Json::error_handler_t::replace).c_str());
    return;
  }
  std::printf("%-10s %10s %10s %8s %8s %8s %8s\n", "", "tokens/s", "mean ms", "sd", "p50", "p90", "p99");
  printRow("prompt", result.promptMs, result.promptTokensPerSecond());
  printRow("one token", result.tokenMs, result.tokensPerSecond());
  std::printf("peak memory %s, weights %s, key-value cache %s (%s), loaded in %.0f ms\n",
              base::formatBytes(result.peakRssBytes).c_str(), base::formatBytes(result.weightBytes).c_str(),
              base::formatBytes(result.kvCacheBytes).c_str(), result.kvCache.c_str(), result.loadMs);
}

} // namespace

Verb benchVerb() {
  return {"bench",
          "MODEL [--json] [options]",
          "Measure latency per token and memory.",
          {{"json", "", "Print the result as JSON, every sample included."},
           {"prompt-tokens", "N", "Tokens of the prompt (128)."},
           {"generated-tokens", "N", "Tokens generated after it (64)."},
           {"warmup", "N", "Runs that are not counted (1)."},
           {"repetitions", "N", "Runs that are counted (5)."}},
          run};
}

} // namespace nibblesmith::runner
