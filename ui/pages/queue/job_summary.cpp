// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/queue/job_summary.hpp"

#include "benchmark/benchmark.hpp"
#include "calibration/lint.hpp"
#include "devices/deployment.hpp"
#include "evaluation/pairs.hpp"
#include "export/gguf.hpp"
#include "quantization/layer_report.hpp"
#include "quantization/sensitivity.hpp"
#include "ui/models/number_text.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/probe_facts.hpp"
#include "workflow/deploy.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/quantize.hpp"
#include "workflow/written_outputs.hpp"

#include <QCoreApplication>

#include <numeric>

namespace nibblesmith::ui {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("JobSummary", text); }

QString auditText(const exporting::Audit& audit) {
  const QString detail = toQString(std::string_view(audit.detail));
  return (audit.passed ? tr("passed, %1 tensors. %2") : tr("FAILED, %1 tensors. %2"))
      .arg(audit.tensors)
      .arg(detail);
}

std::vector<Fact> factsOf(const workflow::QuantizeResult& result) {
  const size_t fallbacks =
      std::accumulate(result.layers.begin(), result.layers.end(), size_t{0},
                      [](size_t sum, const auto& layer) { return sum + layer.fallbacks.size(); });
  const auto against = [](const QString& actual, const QString& estimated) {
    return tr("%1 (estimated %2)").arg(actual, estimated);
  };
  std::vector<Fact> facts = {
      {tr("Artifact"), toQString(result.artifact), {}},
      {tr("Size"), bytesText(result.sizeBytes), {}},
      {tr("SHA-256"), toQString(std::string_view(result.sha256)), {}},
      {tr("Time"), against(durationText(result.actual.seconds), durationText(result.estimated.seconds)), {}},
      {tr("Memory"),
       against(bytesText(result.actual.peakMemoryBytes), bytesText(result.estimated.peakMemoryBytes)),
       {}},
      {tr("Audit"), auditText(result.audit),
       tr("The artifact was read again and compared with what was computed")},
      {tr("Fallbacks"), fallbacks == 0 ? tr("none") : QString::number(fallbacks),
       tr("Where a layer got another treatment than the recipe asks for; see the table")},
  };
  for (const calibration::Finding& finding : result.findings)
    facts.push_back({tr("Warning"), toQString(std::string_view(finding.message)), {}});
  for (const std::string& note : result.notes)
    facts.push_back({tr("Note"), toQString(std::string_view(note)), {}});
  return facts;
}

std::vector<Fact> factsOf(const MeasuredSensitivity& measured) {
  const quantization::Sensitivity& sensitivity = measured.sensitivity;
  std::vector<Fact> facts = {
      {tr("Layers"), wholeText(sensitivity.layers.size()), {}},
      {tr("Tokens"), wholeText(static_cast<uint64_t>(sensitivity.tokens)),
       tr("Of the calibration text, that the layers were measured on")},
  };
  if (sensitivity.measure == quantization::SensitivityMeasure::Divergence)
    facts.push_back({tr("Rank correlation"), fixedText(sensitivity.rankCorrelation, 2),
                     tr("Between the divergences and the layers' own output errors (Spearman): near 1, the "
                        "fast measure will do")});
  const quantization::LayerSensitivity* worst = nullptr;
  for (const auto& layer : sensitivity.layers)
    if (!layer.widths.empty() && (!worst || quantization::costOf(sensitivity, layer.widths.front()) >
                                                quantization::costOf(sensitivity, worst->widths.front())))
      worst = &layer;
  if (worst)
    facts.push_back(
        {tr("Most sensitive"),
         tr("%1 at %2 bits").arg(toQString(std::string_view(worst->name))).arg(worst->widths.front().bits),
         {}});
  facts.push_back({tr("Map"), tr("on the Recipe page, under Mixed precision"), {}});
  return facts;
}

std::vector<Fact> factsOf(const workflow::EvaluateResult& result) {
  std::vector<Fact> facts;
  if (result.perplexity)
    facts.push_back(
        {tr("Perplexity"),
         tr("%1 ± %2 over %3 predictions")
             .arg(fixedText(result.perplexity->perplexity, 4), fixedText(result.perplexity->standardError, 4),
                  wholeText(static_cast<uint64_t>(result.perplexity->predictions))),
         {}});
  for (const evaluation::PairsResult& pairs : result.pairs)
    facts.push_back({tr("%1 pairs").arg(pairs.pairs.size()),
                     tr("ROUGE-1 %1, ROUGE-2 %2, ROUGE-L %3, BLEU %4")
                         .arg(fixedText(pairs.meanRouge.rouge1.f1 * 100, 1),
                              fixedText(pairs.meanRouge.rouge2.f1 * 100, 1),
                              fixedText(pairs.meanRouge.rougeL.f1 * 100, 1), fixedText(pairs.corpusBleu, 1)),
                     tr("F1 of ROUGE and BLEU, 0 to 100")});
  return facts;
}

std::vector<Fact> factsOf(const benchmark::BenchmarkResult& result) {
  const benchmark::Summary token = benchmark::summarize(result.tokenMs);
  return {
      {tr("Generation"), tr("%1 tokens/s").arg(fixedText(result.tokensPerSecond(), 1)), {}},
      {tr("Per token"),
       tr("median %1 ms, 90 % below %2 ms, 99 % below %3 ms")
           .arg(fixedText(token.p50, 2), fixedText(token.p90, 2), fixedText(token.p99, 2)),
       {}},
      {tr("Prompt"), tr("%1 tokens/s").arg(fixedText(result.promptTokensPerSecond(), 0)), {}},
      {tr("Peak memory"), bytesText(result.peakRssBytes),
       tr("Resident memory of the process, loading included")},
      {tr("Weights"), bytesText(result.weightBytes), {}},
      {tr("Key-value cache"),
       tr("%1 (%2)").arg(bytesText(result.kvCacheBytes), toQString(std::string_view(result.kvCache))),
       tr("Keys and values of the prompt and of what is generated after it")},
      {tr("Loading"), tr("%1 ms").arg(fixedText(result.loadMs, 0)), {}},
  };
}

std::vector<Fact> factsOf(const devices::DeploymentResult& result) {
  const auto text = [](const std::string& value) { return toQString(std::string_view(value)); };
  std::vector<Fact> facts = {
      {tr("On the device"), text(result.remotePath), {}},
      {tr("Version"), text(result.version), {}},
      {tr("Before"), result.previous.empty() ? tr("none") : text(result.previous),
       tr("Kept, for rolling back")},
      {tr("SHA-256"), text(result.sha256), tr("As computed on the device")},
  };
  for (const std::string& name : result.kept)
    facts.push_back({tr("Left alone"), text(name), tr("On the device, but not put there by this program")});
  return facts;
}

std::vector<Fact> factsOf(const workflow::DeletedFiles& result) {
  return {{tr("Artifact"), toQString(result.artifact), {}},
          {tr("Left alone"),
           result.kept.empty() ? tr("nothing") : toQString(std::string_view(result.kept.text())),
           tr("Not written by this program, or changed since")}};
}

std::vector<Fact> factsOf(const workflow::DeployResult& result) {
  std::vector<Fact> facts = factsOf(result.deployment);
  if (result.benchmark)
    for (Fact& fact : factsOf(*result.benchmark))
      facts.push_back(std::move(fact));
  return facts;
}

} // namespace

std::vector<Fact> resultFacts(const Job& job) {
  const std::any& result = job.result;
  if (const auto* quantized = std::any_cast<workflow::QuantizeResult>(&result))
    return factsOf(*quantized);
  if (const auto* measured = std::any_cast<MeasuredSensitivity>(&result))
    return factsOf(*measured);
  if (const auto* evaluated = std::any_cast<workflow::EvaluateResult>(&result))
    return factsOf(*evaluated);
  if (const auto* measured = std::any_cast<benchmark::BenchmarkResult>(&result))
    return factsOf(*measured);
  if (const auto* audit = std::any_cast<exporting::Audit>(&result))
    return {{tr("Audit"), auditText(*audit), tr("The file was read again and compared with the model")}};
  if (const auto* deployed = std::any_cast<workflow::DeployResult>(&result))
    return factsOf(*deployed);
  if (const auto* rolledBack = std::any_cast<devices::DeploymentResult>(&result))
    return factsOf(*rolledBack);
  if (const auto* deleted = std::any_cast<workflow::DeletedFiles>(&result))
    return factsOf(*deleted);
  if (const auto* probed = std::any_cast<ProbedDevice>(&result))
    return probeFacts(probed->probe);
  return {};
}

const std::vector<quantization::LayerReport>* layerReports(const Job& job) {
  const auto* quantized = std::any_cast<workflow::QuantizeResult>(&job.result);
  return quantized ? &quantized->layers : nullptr;
}

} // namespace nibblesmith::ui
