// SPDX-License-Identifier: Apache-2.0
#include "workflow/benchmark.hpp"

#include "base/input_file.hpp"
#include "workflow/benchmark_log.hpp"
#include "workflow/identified_artifact.hpp"
#include "workflow/process.hpp"

#include <charconv>

namespace nibblesmith::workflow {

namespace {

/// Reports the runner's progress lines: "progress <fraction> <stage>".
void forwardProgress(std::string_view line, base::Progress& progress) {
  constexpr std::string_view kPrefix = "progress ";
  if (!line.starts_with(kPrefix))
    return;
  line.remove_prefix(kPrefix.size());
  double fraction = 0;
  const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), fraction);
  if (failure != std::errc())
    return;
  line.remove_prefix(static_cast<size_t>(end - line.data()));
  while (line.starts_with(' '))
    line.remove_prefix(1);
  progress.report(fraction, line);
}

std::vector<std::string> runnerCommand(const BenchmarkRequest& request, const Services& services) {
  const auto& options = request.options;
  std::vector<std::string> command = {services.runner.string(),
                                      "bench",
                                      request.artifact.string(),
                                      "--json",
                                      "--progress",
                                      "--prompt-tokens",
                                      std::to_string(options.promptTokens),
                                      "--generated-tokens",
                                      std::to_string(options.generatedTokens),
                                      "--warmup",
                                      std::to_string(options.warmupRuns),
                                      "--repetitions",
                                      std::to_string(options.repetitions)};
  if (services.threads > 0) {
    command.emplace_back("--threads");
    command.push_back(std::to_string(services.threads));
  }
  return command;
}

} // namespace

void logBenchmark(LoggedRun& run, const benchmark::BenchmarkResult& result) {
  const benchmark::Summary token = benchmark::summarize(result.tokenMs);
  const benchmark::Summary prompt = benchmark::summarize(result.promptMs);
  run.metric("promptTokensPerSecond", result.promptTokensPerSecond(), "1/s");
  run.metric("tokensPerSecond", result.tokensPerSecond(), "1/s");
  run.metric("tokenMsP50", token.p50, "ms");
  run.metric("tokenMsP90", token.p90, "ms");
  run.metric("tokenMsP99", token.p99, "ms");
  run.metric("promptMsP50", prompt.p50, "ms");
  run.metric("loadMs", result.loadMs, "ms");
  run.metric("peakRssBytes", static_cast<double>(result.peakRssBytes), "B");
  run.metric("weightBytes", static_cast<double>(result.weightBytes), "B");
  if (result.kvCacheBytes > 0)
    run.metric("kvCacheBytes", static_cast<double>(result.kvCacheBytes), "B");
  run.samples("tokenMs", result.tokenMs);
  run.samples("promptMs", result.promptMs);
  run.context({{"machine", result.context}});
}

benchmark::BenchmarkResult runBenchmark(const BenchmarkRequest& request, const Services& services,
                                        const std::stop_token& stop, base::Progress& progress) {
  const auto& options = request.options;
  const base::Json context = {{"artifact", request.artifact.string()},
                              {"promptTokens", options.promptTokens},
                              {"generatedTokens", options.generatedTokens},
                              {"repetitions", options.repetitions},
                              {"threads", services.threads}};
  benchmark::BenchmarkResult result;
  const RunStart start{experiments::RunKind::Benchmark, {}, context, request.expectedHash};
  withLoggedRun(services, start, stop, [&](LoggedRun& run) {
    if (services.runner.empty() || !base::fileExists(services.runner))
      throw base::Error(base::ErrorCode::NotFound,
                        "nsmith-runner: expected the program at '" + services.runner.string() + "'");
    base::SubProgress checking(progress, 0, 0.1);
    const IdentifiedArtifact held =
        identifyArtifact(run, request.artifact, request.expectedHash, Verification::ByStamp, stop, checking);
    base::SubProgress measuring(progress, 0.1, 1);
    const std::string output = runProcess(
        runnerCommand(request, services), [&](std::string_view line) { forwardProgress(line, measuring); },
        stop);
    result = benchmark::benchmarkFromJson(base::parseJson(output, "nsmith-runner"), "nsmith-runner");
    held.checkUnchanged(stop);
    logBenchmark(run, result);
  });
  progress.report(1, "done");
  return result;
}

} // namespace nibblesmith::workflow
