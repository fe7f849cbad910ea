// SPDX-License-Identifier: Apache-2.0
#include "artifact_options.hpp"
#include "base/units.hpp"
#include "benchmark/benchmark.hpp"
#include "evaluation_options.hpp"
#include "output.hpp"
#include "table.hpp"
#include "workflow/benchmark.hpp"

namespace nibblesmith::nsmith {

void addBenchmarkOptions(QCommandLineParser& parser) {
  addOption(parser, "prompt-tokens", "N", "Tokens of the prompt (128).");
  addOption(parser, "generated-tokens", "N", "Tokens generated after it (64).");
  addOption(parser, "warmup", "N", "Runs that are not counted (1).");
  addOption(parser, "repetitions", "N", "Runs that are counted (5).");
}

benchmark::BenchmarkOptions benchmarkFromOptions(const Invocation& call) {
  benchmark::BenchmarkOptions options;
  options.promptTokens = call.integer("prompt-tokens", options.promptTokens, 1);
  options.generatedTokens = call.integer("generated-tokens", options.generatedTokens, 1);
  options.warmupRuns = static_cast<int>(call.integer("warmup", options.warmupRuns, 0));
  options.repetitions = static_cast<int>(call.integer("repetitions", options.repetitions, 1));
  return options;
}

void printBenchmark(const benchmark::BenchmarkResult& result) {
  Table table({"", "tokens/s", "mean ms", "sd", "p50", "p90", "p99"});
  const auto row = [&](const char* name, const std::vector<double>& samples, double rate) {
    const benchmark::Summary summary = benchmark::summarize(samples);
    table.add({name, fixed(rate, 1), fixed(summary.mean, 2), fixed(summary.standardDeviation, 2),
               fixed(summary.p50, 2), fixed(summary.p90, 2), fixed(summary.p99, 2)});
  };
  row("prompt", result.promptMs, result.promptTokensPerSecond());
  row("one token", result.tokenMs, result.tokensPerSecond());
  print(table);
  print("peak memory {}, weights {}, key-value cache {} ({}), loaded in {} ms\n",
        {base::formatBytes(result.peakRssBytes), base::formatBytes(result.weightBytes),
         base::formatBytes(result.kvCacheBytes), result.kvCache, fixed(result.loadMs, 0)});
}

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addBenchmarkOptions(parser);
  addExpectOption(parser);
}

base::Json run(const Invocation& call) {
  const benchmark::BenchmarkResult result =
      workflow::runBenchmark({call.positional(0, "ARTIFACT"), benchmarkFromOptions(call), expectedHash(call)},
                             call.services(), call.stop(), call.progress());
  if (!call.json())
    printBenchmark(result);
  return benchmark::toJson(result);
}

} // namespace

const Verb kBench = {"bench", "ARTIFACT", "Measure latency per token and memory, in a process of its own.",
                     addOptions, run};

} // namespace nibblesmith::nsmith
