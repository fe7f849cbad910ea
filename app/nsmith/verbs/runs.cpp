// SPDX-License-Identifier: Apache-2.0
#include "artifact_options.hpp"
#include "base/path_status.hpp"
#include "base/units.hpp"
#include "experiments/experiment_log.hpp"
#include "output.hpp"
#include "table.hpp"

#include <cmath>

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "all", "", "List every run with how it ended: failed and cancelled ones, too.");
}

double metric(const experiments::ExperimentRow& row, const std::string& name) {
  const auto found = row.metrics.find(name);
  return found == row.metrics.end() ? std::nan("") : found->second;
}

std::string bytesOrNothing(double bytes) {
  return std::isnan(bytes) ? std::string() : base::formatBytes(static_cast<uint64_t>(bytes));
}

const char* nameOf(experiments::RunKind kind) {
  using experiments::RunKind;
  switch (kind) {
  case RunKind::Quantize:
    return "quantize";
  case RunKind::Evaluate:
    return "evaluate";
  case RunKind::Benchmark:
    return "benchmark";
  case RunKind::Export:
    return "export";
  case RunKind::Deploy:
    return "deploy";
  case RunKind::RollBack:
    return "roll back";
  }
  return "unknown";
}

const char* nameOf(experiments::RunStatus status) {
  using experiments::RunStatus;
  switch (status) {
  case RunStatus::Running:
    return "running";
  case RunStatus::Finished:
    return "finished";
  case RunStatus::Failed:
    return "failed";
  case RunStatus::Cancelled:
    return "cancelled";
  }
  return "unknown";
}

/// Returns the artifact's name; for a run that ended before its artifact was known, the requested one.
std::string subjectOf(const experiments::RunRow& run,
                      const std::optional<experiments::ArtifactRow>& artifact) {
  if (artifact)
    return artifact->name;
  const base::Json recipe =
      run.context.is_object() ? run.context.value("recipe", base::Json()) : base::Json();
  if (recipe.is_object() && recipe.contains("name") && recipe.at("name").is_string())
    return recipe.at("name").get<std::string>();
  return run.context.is_object() && run.context.contains("artifact") && run.context.at("artifact").is_string()
             ? run.context.at("artifact").get<std::string>()
             : std::string();
}

/// Lists all runs, oldest first.
base::Json listRuns(const Invocation& call, const experiments::ExperimentLog& log) {
  Table table({"started", "run", "artifact", "sha256", "device", "ended", "why"});
  base::Json json = base::Json::array();
  for (const experiments::RunRow& run : log.runs()) {
    const auto artifact = run.artifact ? log.artifact(run.artifact) : std::nullopt;
    const std::string hash = artifact ? artifact->hash : "", subject = subjectOf(run, artifact);
    table.add({run.startedAt, nameOf(run.kind), subject, shortHash(hash),
               run.device.empty() ? "this machine" : run.device, nameOf(run.status), run.error});
    json.push_back({{"run", nameOf(run.kind)},
                    {"status", nameOf(run.status)},
                    {"artifact", subject},
                    {"sha256", hash},
                    {"device", run.device},
                    {"startedAt", run.startedAt},
                    {"finishedAt", run.finishedAt},
                    {"error", run.error},
                    {"context", run.context},
                    {"metrics", run.metrics}});
  }
  if (!call.json())
    print(table);
  return json;
}

/// Returns a hint for an empty log.
std::string emptyText(const std::filesystem::path& log) {
  std::string text = "The experiment log is empty: quantize, evaluate or bench something first.\n";
  const std::filesystem::path demo = experiments::demoLogPath();
  if (log != demo && base::isRegularFile(demo))
    text += "The results of './nib demo' are in another one: nsmith runs --log " + demo.string() + "\n";
  return text;
}

base::Json run(const Invocation& call) {
  const experiments::ExperimentLog log(call.services().log, call.stop());
  if (call.has("all"))
    return listRuns(call, log);
  const auto rows = log.experiments();
  Table table({"artifact", "sha256", "model", "device", "bits", "size", "perplexity", "ROUGE-L", "BLEU",
               "ms/token", "memory", "made"});
  base::Json json = base::Json::array();
  for (const experiments::ExperimentRow& row : rows) {
    table.add({row.artifactName, shortHash(row.hash), row.modelName,
               row.device.empty() ? "this machine" : row.device, fixed(row.bits, 0),
               base::formatBytes(row.sizeBytes), fixed(metric(row, "perplexity"), 3),
               fixed(metric(row, "rougeL"), 4), fixed(metric(row, "bleu"), 2),
               fixed(metric(row, "tokenMsP50"), 3), bytesOrNothing(metric(row, "peakRssBytes")),
               row.createdAt});
    json.push_back({{"artifact", row.artifactName},
                    {"sha256", row.hash},
                    {"model", row.modelName},
                    {"method", row.method},
                    {"device", row.device},
                    {"path", row.path},
                    {"bits", row.bits},
                    {"sizeBytes", row.sizeBytes},
                    {"createdAt", row.createdAt},
                    {"metrics", row.metrics}});
  }
  if (!call.json() && rows.empty())
    print("{}", {emptyText(call.services().log)});
  else if (!call.json())
    print(table);
  return json;
}

} // namespace

const Verb kRuns = {"runs", "", "List the experiment log: one line per artifact and device.", addOptions,
                    run};

} // namespace nibblesmith::nsmith
