// SPDX-License-Identifier: Apache-2.0
#include "benchmark/benchmark.hpp"

#include <cmath>

namespace nibblesmith::benchmark {
namespace {

constexpr int kSchema = 1;
constexpr double kMaxBytes = 9007199254740992.0; // 2^53: integers up to here are exact in JSON

base::Json toJson(const Summary& summary) {
  return {{"mean", summary.mean},       {"standardDeviation", summary.standardDeviation},
          {"minimum", summary.minimum}, {"p50", summary.p50},
          {"p90", summary.p90},         {"p99", summary.p99},
          {"maximum", summary.maximum}};
}

[[noreturn]] void fail(const std::string& origin, const std::string& message) {
  throw base::Error(base::ErrorCode::Corrupt, origin + ": " + message);
}

/// Reads an integer in [minimum, maximum] as f64, so that no integer type can overflow.
double wholeNumber(const base::Json& json, const std::string& key, double minimum, double maximum,
                   const std::string& origin) {
  const auto value = base::required<double>(json, key, origin);
  if (!(value >= minimum && value <= maximum) || std::floor(value) != value)
    fail(origin, "'" + key + "': expected a whole number of " +
                     std::to_string(static_cast<int64_t>(minimum)) + " to " +
                     std::to_string(static_cast<int64_t>(maximum)) + ", found " +
                     base::briefJson(json.at(key)));
  return value;
}

double milliseconds(const base::Json& value, const std::string& key, const std::string& origin) {
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!(number >= 0 && number < 1e12))
    fail(origin, "'" + key + "': expected milliseconds, found " + base::briefJson(value));
  return number;
}

std::vector<double> times(const base::Json& json, const std::string& key, int64_t expected,
                          const std::string& origin) {
  if (!json.contains(key) || !json.at(key).is_array() || std::ssize(json.at(key)) != expected)
    fail(origin, "'" + key + "': expected a list of " + std::to_string(expected) +
                     " times, one per repetition" + (key == "tokenMs" ? " and generated token" : ""));
  std::vector<double> values;
  for (const base::Json& value : json.at(key))
    values.push_back(milliseconds(value, key, origin));
  return values;
}

BenchmarkOptions optionsFromJson(const base::Json& json, const std::string& origin) {
  constexpr double kMaxTokens = 1 << 24;
  BenchmarkOptions options;
  options.promptTokens = static_cast<int64_t>(wholeNumber(json, "promptTokens", 1, kMaxTokens, origin));
  options.generatedTokens = static_cast<int64_t>(wholeNumber(json, "generatedTokens", 0, kMaxTokens, origin));
  options.warmupRuns = static_cast<int>(wholeNumber(json, "warmupRuns", 0, 1000, origin));
  options.repetitions = static_cast<int>(wholeNumber(json, "repetitions", 1, 1000, origin));
  return options;
}

} // namespace

base::Json toJson(const BenchmarkResult& result) {
  return {{"schema", kSchema},
          {"options",
           {{"promptTokens", result.options.promptTokens},
            {"generatedTokens", result.options.generatedTokens},
            {"warmupRuns", result.options.warmupRuns},
            {"repetitions", result.options.repetitions}}},
          {"promptMs", result.promptMs},
          {"tokenMs", result.tokenMs},
          {"loadMs", result.loadMs},
          {"peakRssBytes", result.peakRssBytes},
          {"weightBytes", result.weightBytes},
          {"kvCacheBytes", result.kvCacheBytes},
          {"kvCache", result.kvCache},
          {"context", result.context},
          // For readers of the file; not parsed again.
          {"summary",
           {{"promptTokensPerSecond", result.promptTokensPerSecond()},
            {"tokensPerSecond", result.tokensPerSecond()},
            {"promptMs", toJson(summarize(result.promptMs))},
            {"tokenMs", toJson(summarize(result.tokenMs))}}}};
}

BenchmarkResult benchmarkFromJson(const base::Json& json, const std::string& origin) {
  if (!json.is_object())
    fail(origin, std::string("expected an object with a benchmark's result, found ") + json.type_name());
  wholeNumber(json, "schema", kSchema, kSchema, origin);
  if (!json.contains("options") || !json.at("options").is_object())
    fail(origin, "'options': expected an object");
  BenchmarkResult result;
  result.options = optionsFromJson(json.at("options"), origin + ": options");
  result.promptMs = times(json, "promptMs", result.options.repetitions, origin);
  result.tokenMs =
      times(json, "tokenMs", result.options.repetitions * result.options.generatedTokens, origin);
  result.loadMs = milliseconds(json.value("loadMs", base::Json()), "loadMs", origin);
  result.peakRssBytes = static_cast<uint64_t>(wholeNumber(json, "peakRssBytes", 0, kMaxBytes, origin));
  result.weightBytes = static_cast<uint64_t>(wholeNumber(json, "weightBytes", 0, kMaxBytes, origin));
  // Runners of earlier versions do not write this.
  if (json.contains("kvCacheBytes"))
    result.kvCacheBytes = static_cast<uint64_t>(wholeNumber(json, "kvCacheBytes", 0, kMaxBytes, origin));
  result.kvCache = base::optional<std::string>(json, "kvCache", "", origin);
  result.context = json.value("context", base::Json::object());
  if (!result.context.is_object())
    fail(origin, std::string("'context': expected an object, found ") + result.context.type_name());
  // The log stores the context unchanged; contexts that this program writes have about 400 bytes.
  constexpr size_t kMaxContextBytes = 64 << 10;
  const size_t bytes = result.context.dump(-1, ' ', false, base::Json::error_handler_t::replace).size();
  if (bytes > kMaxContextBytes)
    fail(origin, "'context': expected at most " + std::to_string(kMaxContextBytes) + " bytes, found " +
                     std::to_string(bytes));
  return result;
}

} // namespace nibblesmith::benchmark
