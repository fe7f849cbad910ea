// SPDX-License-Identifier: Apache-2.0
#include "base/units.hpp"
#include "invocation.hpp"
#include "table.hpp"

#include <cmath>
#include <cstdio>

namespace nibblesmith::nsmith {

namespace {

void addOptions(QCommandLineParser&, const workflow::Services&) {}

double metric(const experiments::ExperimentRow& row, const std::string& name) {
  const auto found = row.metrics.find(name);
  return found == row.metrics.end() ? std::nan("") : found->second;
}

std::string bytesOrNothing(double bytes) {
  return std::isnan(bytes) ? std::string() : base::formatBytes(static_cast<uint64_t>(bytes));
}

base::Json run(const Invocation& call) {
  const experiments::ExperimentLog log(call.services().log);
  const auto rows = log.experiments();
  Table table({"artifact", "model", "device", "bits", "size", "perplexity", "ROUGE-L", "BLEU", "ms/token",
               "memory", "made"});
  base::Json json = base::Json::array();
  for (const experiments::ExperimentRow& row : rows) {
    table.add({row.artifactName, row.modelName, row.device.empty() ? "this machine" : row.device,
               fixed(row.bits, 0), base::formatBytes(row.sizeBytes), fixed(metric(row, "perplexity"), 3),
               fixed(metric(row, "rougeL"), 4), fixed(metric(row, "bleu"), 2),
               fixed(metric(row, "tokenMsP50"), 3), bytesOrNothing(metric(row, "peakRssBytes")),
               row.createdAt});
    json.push_back({{"artifact", row.artifactName},
                    {"model", row.modelName},
                    {"method", row.method},
                    {"device", row.device},
                    {"path", row.path},
                    {"bits", row.bits},
                    {"sizeBytes", row.sizeBytes},
                    {"createdAt", row.createdAt},
                    {"metrics", row.metrics}});
  }
  if (!call.json())
    std::printf("%s", rows.empty()
                          ? "The experiment log is empty: quantize, evaluate or bench something first.\n"
                          : table.text().c_str());
  return json;
}

} // namespace

const Verb kRuns = {"runs", "", "List the experiment log: one line per artifact and device.", addOptions,
                    run};

} // namespace nibblesmith::nsmith
