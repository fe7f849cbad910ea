// SPDX-License-Identifier: Apache-2.0
#include "export/artifact.hpp"

#include "base/file.hpp"
#include "checkpoint/language_part.hpp"
#include "export/artifact_config.hpp"
#include "export/artifact_tensors.hpp"
#include "export/output_directory.hpp"
#include "export/provenance.hpp"
#include "export/tokenizer_files.hpp"
#include "model/family.hpp"

#include <algorithm>

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

constexpr double kWeightsShare = 0.7;

void writeWeights(ArtifactTensors& plan, OutputDirectory& output, base::Progress& progress) {
  uint64_t done = 0;
  const auto total = static_cast<double>(std::max<uint64_t>(1, plan.totalBytes));
  for (checkpoint::TensorToWrite& tensor : plan.tensors) {
    tensor.bytes = [&done, &progress, total, name = tensor.name, produce = std::move(tensor.bytes)] {
      progress.report(static_cast<double>(done) / total * kWeightsShare, name);
      std::vector<std::byte> bytes = produce();
      done += bytes.size();
      return bytes;
    };
  }
  base::AtomicFile file = output.create("model.safetensors");
  checkpoint::writeSafetensors(file, plan.tensors, {{"format", "pt"}});
  file.commit();
}

/// Returns remarks for readers of the artifact, as text.
std::string remarks(const std::vector<LinearLayout>& linears,
                    const std::map<std::string, std::string>& writtenAsF16, bool areTransposed,
                    const std::string& skippedModules) {
  const auto indexed =
      std::count_if(linears.begin(), linears.end(), [](const auto& l) { return l.groupIndexed; });
  const auto tailed =
      std::count_if(linears.begin(), linears.end(), [](const auto& l) { return l.tailGroup; });
  std::string text;
  std::map<std::string, int64_t> reasons;
  for (const auto& [name, reason] : writtenAsF16)
    ++reasons[reason];
  for (const auto& [reason, count] : reasons)
    text += "; " + std::to_string(count) + " linears on code books are written as f16, without loss, as " +
            reason;
  if (indexed > 0)
    text += "; " + std::to_string(indexed) +
            " linears assign columns to groups (weight_g_idx), which newer compressed-tensors no longer open";
  if (tailed > 0)
    text += "; " + std::to_string(tailed) +
            " linears end their rows in a shorter group, which compressed-tensors does not open";
  if (!skippedModules.empty())
    text += "; " + skippedModules;
  if (areTransposed && std::any_of(linears.begin(), linears.end(), [](const auto& l) { return l.quantized; }))
    text += "; transformers holds this family's linears as Conv1D, whose quantized weights it does not open";
  return text;
}

void refuseSource(const model::Model& source, const fs::path& directory) {
  std::error_code ignored;
  if (fs::equivalent(source.checkpoint().path, directory, ignored))
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "'" + directory.string() +
                          "' is the source of the quantization: expected another directory");
}

} // namespace

void checkWritable(const model::Model& model, const fs::path& directory, const std::stop_token& stop) {
  const fs::path target = normalOutput(directory);
  refuseSource(model, target);
  model::configJson(model);
  OutputDirectory trial(target, stop); // never committed
  checkTokenizerWritable(model.checkpoint(), trial, stop);
}

Audit writeArtifact(const quantization::QuantizedModel& quantized, const fs::path& directory,
                    const std::stop_token& stop, base::Progress& progress) {
  const fs::path target = normalOutput(directory);
  refuseSource(*quantized.source, target);
  OutputDirectory output(target, stop);
  const auto weights = std::make_shared<FinalWeights>(quantized);
  ArtifactTensors plan = planTensors(weights, stop);
  writeWeights(plan, output, progress);
  progress.report(kWeightsShare, "tokenizer and configuration");
  output.write("config.json", artifactConfig(quantized, plan.linears).dump(2) + "\n");
  writeTokenizerFiles(quantized.source->checkpoint(), output, stop);
  progress.report(kWeightsShare + 0.05, "checksums");
  output.write(kProvenanceFile, provenanceJson(quantized, output.digests(), stop).dump(2) + "\n");
  progress.report(0.85, "reading it back");
  Audit audit = auditArtifact(quantized, output.path(), stop);
  audit.detail += remarks(plan.linears, weights->writtenAsF16(), quantized.source->family().transposedLinears,
                          checkpoint::skippedModulesText(quantized.source->checkpoint()));
  base::throwIfStopped(stop);
  if (!audit.passed)
    return audit;
  if (const std::string kept = output.commit(); !kept.empty())
    audit.detail += "; " + kept;
  progress.report(1.0, "written");
  return audit;
}

} // namespace nibblesmith::exporting
