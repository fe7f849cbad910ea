// SPDX-License-Identifier: Apache-2.0
#include "benchmark/benchmark.hpp"

#include "base/thread_pool.hpp"
#include "benchmark/machine_context.hpp"
#include "model/model.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

namespace nibblesmith::benchmark {
namespace {

using Clock = std::chrono::steady_clock;
using tokenizer::TokenId;

double millisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// Returns ids that every vocabulary has, the same in every run; their values do not affect the amount of
/// work.
std::vector<TokenId> promptOf(const model::ModelConfig& config, int64_t length) {
  std::vector<TokenId> tokens(static_cast<size_t>(length));
  uint64_t state = 0x9E3779B97F4A7C15; // SplitMix64 (Steele et al. 2014) with a fixed seed
  for (TokenId& token : tokens) {
    uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    token = static_cast<TokenId>((z ^ (z >> 31)) % static_cast<uint64_t>(config.vocabularySize));
  }
  if (config.bos >= 0 && config.bos < config.vocabularySize)
    tokens.front() = config.bos;
  return tokens;
}

void checkOptions(const BenchmarkOptions& options, const model::ModelConfig& config) {
  const auto check = [](const char* name, int64_t value, int64_t minimum, int64_t maximum) {
    if (value < minimum || value > maximum)
      throw base::Error(base::ErrorCode::InvalidArgument,
                        std::string("benchmark: ") + name + ": expected " + std::to_string(minimum) + " to " +
                            std::to_string(maximum) + ", found " + std::to_string(value));
  };
  check("warm-up runs", options.warmupRuns, 0, 1000);
  check("repetitions", options.repetitions, 1, 1000);
  check("prompt tokens", options.promptTokens, 1, config.maxPositions);
  check("generated tokens (prompt and generated tokens share the context)", options.generatedTokens, 0,
        config.maxPositions - options.promptTokens);
}

/// Measures a prompt, then greedy generation token by token, ignoring end tokens.
class Measurement {
public:
  Measurement(const runtime::Decoder& decoder, const BenchmarkOptions& options, const std::stop_token& stop)
      : m_decoder(decoder), m_options(options), m_prompt(promptOf(decoder.config(), options.promptTokens)),
        m_cache(decoder.config(), options.promptTokens + options.generatedTokens), m_stop(stop) {}

  void repeat(std::vector<double>& promptMs, std::vector<double>& tokenMs) {
    m_cache.clear();
    base::throwIfStopped(m_stop);
    const auto begin = Clock::now();
    TokenId token = next(m_decoder.forward(m_prompt, m_cache, runtime::LogitsFor::LastToken));
    promptMs.push_back(millisecondsSince(begin));
    for (int64_t i = 0; i < m_options.generatedTokens; ++i) {
      base::throwIfStopped(m_stop);
      const auto tokenBegin = Clock::now();
      token = next(m_decoder.forward(std::span(&token, 1), m_cache, runtime::LogitsFor::LastToken));
      tokenMs.push_back(millisecondsSince(tokenBegin));
    }
  }

  uint64_t cacheBytes() const { return m_cache.bytes(); }

private:
  static TokenId next(const tensor::Matrix& logits) {
    const float* begin = logits.data();
    return static_cast<TokenId>(std::max_element(begin, begin + logits.cols()) - begin);
  }

  const runtime::Decoder& m_decoder;
  const BenchmarkOptions& m_options;
  std::vector<TokenId> m_prompt;
  runtime::KvCache m_cache;
  const std::stop_token& m_stop;
};

double perSecond(double count, std::span<const double> milliseconds) {
  const double total = std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0);
  return total > 0 ? 1000 * count / total : 0;
}

} // namespace

Summary summarize(std::span<const double> samples) {
  Summary summary;
  if (samples.empty())
    return summary;
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const auto count = static_cast<double>(sorted.size());
  const auto percentile = [&](double fraction) {
    const double position = fraction * (count - 1);
    const auto below = static_cast<size_t>(position);
    const size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
  };
  summary.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / count;
  double squares = 0;
  for (const double sample : sorted)
    squares += (sample - summary.mean) * (sample - summary.mean);
  summary.standardDeviation = sorted.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  summary.minimum = sorted.front();
  summary.p50 = percentile(0.50);
  summary.p90 = percentile(0.90);
  summary.p99 = percentile(0.99);
  summary.maximum = sorted.back();
  return summary;
}

double BenchmarkResult::promptTokensPerSecond() const {
  return perSecond(static_cast<double>(options.promptTokens) * static_cast<double>(promptMs.size()),
                   promptMs);
}

double BenchmarkResult::tokensPerSecond() const {
  return perSecond(static_cast<double>(tokenMs.size()), tokenMs);
}

BenchmarkResult runBenchmark(const std::filesystem::path& artifact, const BenchmarkOptions& options,
                             base::ThreadPool& pool, const std::stop_token& stop, base::Progress& progress) {
  BenchmarkResult result;
  result.options = options;
  const MachineContext context(pool.threads());
  base::SubProgress loading(progress, 0, 0.1);
  const auto begin = Clock::now();
  const auto model = model::openModel(artifact, stop);
  checkOptions(options, model->config());
  const runtime::Decoder decoder(model, runtime::WeightStorage::AsStored, pool, loading, stop);
  result.loadMs = millisecondsSince(begin);
  result.weightBytes = decoder.weightBytes();

  Measurement measurement(decoder, options, stop);
  result.kvCacheBytes = measurement.cacheBytes();
  result.kvCache = model::describe(decoder.config().kvCache);
  const int runs = options.warmupRuns + options.repetitions;
  std::vector<double> ignoredPrompt, ignoredTokens;
  for (int run = 0; run < runs; ++run) {
    const bool warmup = run < options.warmupRuns;
    progress.report(0.1 + 0.9 * run / runs, warmup ? "warming up"
                                                   : "run " + std::to_string(run - options.warmupRuns + 1) +
                                                         " of " + std::to_string(options.repetitions));
    measurement.repeat(warmup ? ignoredPrompt : result.promptMs, warmup ? ignoredTokens : result.tokenMs);
  }
  result.peakRssBytes = peakRssBytes();
  result.context = context.finish();
  progress.report(1, "done");
  return result;
}

} // namespace nibblesmith::benchmark
