// SPDX-License-Identifier: Apache-2.0
#include "devices/deployment.hpp"

#include "base/foreign_text.hpp"
#include "devices/remote_shell.hpp"

#include <algorithm>
#include <charconv>

namespace nibblesmith::devices {

namespace {

constexpr const char* kOrigin = "nsmith-runner on the device";

constexpr size_t kMaxLine = size_t{4} << 10;
constexpr size_t kKeptWords = size_t{16} << 10;
constexpr size_t kMaxContext = size_t{64} << 10; ///< bytes stored in the log

/// Splits the runner's standard error, which arrives in arbitrary pieces, into lines. Reports the lines
/// "progress <fraction> <stage>" and keeps the tail of the others. Uses only the start of overlong lines.
class ProgressLines {
public:
  explicit ProgressLines(base::Progress& progress) : m_progress(progress) {}

  void feed(std::string_view part) {
    while (!part.empty()) {
      const size_t end = std::min(part.find('\n'), part.size());
      m_line += part.substr(0, std::min(end, kMaxLine - m_line.size()));
      if (end == part.size())
        return;
      take(m_line);
      m_line.clear();
      part.remove_prefix(end + 1);
    }
  }
  /// Returns the lines that are not progress.
  const std::string& words() const { return m_words; }

private:
  void take(std::string_view line) {
    constexpr std::string_view kPrefix = "progress ";
    double fraction = 0;
    const char* const begin = line.data() + std::min(kPrefix.size(), line.size());
    const char* const end = line.data() + line.size();
    const auto [rest, failure] = std::from_chars(begin, end, fraction);
    if (!line.starts_with(kPrefix) || failure != std::errc() || !(fraction >= m_fraction && fraction <= 1)) {
      m_words += std::string(line) + "\n";
      if (m_words.size() > kKeptWords)
        m_words.erase(0, m_words.size() - kKeptWords);
      return;
    }
    m_fraction = fraction;
    std::string_view stage(rest, static_cast<size_t>(end - rest));
    stage.remove_prefix(std::min(stage.find_first_not_of(' '), stage.size()));
    m_progress.report(fraction, base::foreignText(stage));
  }

  base::Progress& m_progress;
  double m_fraction = 0;
  std::string m_line; ///< incomplete last line
  std::string m_words;
};

/// Returns limits that a board meets if it generates one token in less than five seconds.
CommandLimits limitsFor(const benchmark::BenchmarkOptions& options) {
  constexpr std::chrono::seconds kLoading{120};
  constexpr std::chrono::seconds kToken{5};
  const std::chrono::milliseconds run = kLoading + kToken * (options.promptTokens + options.generatedTokens);
  return {run * (1 + options.warmupRuns + options.repetitions), run};
}

} // namespace

benchmark::BenchmarkResult runRemoteBenchmark(SshSession& session, const DeploymentResult& deployed,
                                              const benchmark::BenchmarkOptions& options,
                                              const std::stop_token& stop, base::Progress& progress) {
  const std::string command =
      "cd " + shellQuote(deployed.version) + " && exec ./nsmith-runner bench model.gguf --json --progress" +
      " --prompt-tokens " + std::to_string(options.promptTokens) + " --generated-tokens " +
      std::to_string(options.generatedTokens) + " --warmup " + std::to_string(options.warmupRuns) +
      " --repetitions " + std::to_string(options.repetitions);
  ProgressLines lines(progress);
  const CommandResult result = runScript(
      session, command, stop, [&](std::string_view part) { lines.feed(part); }, limitsFor(options));
  if (result.exitStatus != 0)
    throw base::Error(base::ErrorCode::Io, std::string(kOrigin) + " failed with exit status " +
                                               std::to_string(result.exitStatus) + ": " +
                                               lastLine(lines.words()));
  benchmark::BenchmarkResult figures =
      benchmark::benchmarkFromJson(base::parseJson(result.output, kOrigin), kOrigin);
  if (const size_t size = figures.context.dump().size(); size > kMaxContext)
    throw base::Error(base::ErrorCode::Corrupt, std::string(kOrigin) + ": 'context': expected at most " +
                                                    std::to_string(kMaxContext) + " bytes, found " +
                                                    std::to_string(size));
  return figures;
}

} // namespace nibblesmith::devices
