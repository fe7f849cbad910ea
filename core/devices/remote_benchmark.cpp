// SPDX-License-Identifier: Apache-2.0
#include "devices/deployment.hpp"

#include "devices/remote_shell.hpp"

#include <charconv>

namespace nibblesmith::devices {

namespace {

constexpr const char* kOrigin = "nsmith-runner on the device";

/// Takes the runner's lines "progress <fraction> <stage>" out of its standard error, whatever pieces it comes
/// in.
class ProgressLines {
public:
  explicit ProgressLines(base::Progress& progress) : m_progress(progress) {}

  void feed(std::string_view part) {
    m_rest += part;
    for (size_t end = m_rest.find('\n'); end != std::string::npos; end = m_rest.find('\n')) {
      take(std::string_view(m_rest).substr(0, end));
      m_rest.erase(0, end + 1);
    }
  }
  /// The other lines.
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
      return;
    }
    m_fraction = fraction;
    std::string_view stage(rest, static_cast<size_t>(end - rest));
    stage.remove_prefix(std::min(stage.find_first_not_of(' '), stage.size()));
    m_progress.report(fraction, stage);
  }

  base::Progress& m_progress;
  double m_fraction = 0;
  std::string m_rest;
  std::string m_words;
};

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
  const CommandResult result =
      runScript(session, command, stop, [&](std::string_view part) { lines.feed(part); });
  if (result.exitStatus != 0)
    throw base::Error(base::ErrorCode::Io, std::string(kOrigin) + " failed with exit status " +
                                               std::to_string(result.exitStatus) + ": " +
                                               lastLine(lines.words()));
  return benchmark::benchmarkFromJson(base::parseJson(result.output, kOrigin), kOrigin);
}

} // namespace nibblesmith::devices
