// SPDX-License-Identifier: Apache-2.0
#include "workflow/quantize.hpp"

#include "base/path_status.hpp"
#include "base/thread_pool.hpp"
#include "export/output_check.hpp"
#include "export/output_directory.hpp"
#include "workflow/identified_artifact.hpp"
#include "workflow/resolved_plan.hpp"

namespace nibblesmith::workflow {

namespace {

/// Returns the calibration set with its findings, if a method of the recipe needs one.
std::optional<calibration::CalibrationReport>
calibrationFor(const QuantizeRequest& request, const quantization::Plan& plan, base::ThreadPool& pool,
               const std::stop_token& stop, base::Progress& progress) {
  const std::string needed = quantization::choiceNeedingCalibration(plan);
  if (needed.empty())
    return std::nullopt;
  if (request.calibrationFile.empty())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "calibration: '" + needed + "' needs a file of prompts, found none");
  return calibration::lint(request.calibrationFile, request.evaluation,
                           calibration::contextOf(plan.source, stop), request.recipe.calibration, pool, stop,
                           progress);
}

/// Returns the work directory, which is next to the artifact, where a later run finds the unfinished work of
/// a killed one.
std::filesystem::path workDirectoryOf(const std::filesystem::path& out) {
  std::filesystem::path directory = exporting::normalOutput(out);
  directory += ".partial";
  return directory;
}

uint64_t sizeOfFiles(const std::filesystem::path& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : base::readableEntries(directory))
    if (base::isRegularFile(entry))
      bytes += base::fileSize(entry);
  return bytes;
}

QuantizeSpace spaceFor(const quantization::QuantizationJob& job) {
  constexpr uint64_t kTokenizerAndReports = uint64_t{64} << 20;
  return {quantization::estimateResources(job).diskBytes,
          quantization::estimateArtifactBytes(*job.plan) + kTokenizerAndReports};
}

/// Checks the free disk space; blocks left by an earlier run are not counted again.
void checkSpaceFor(const quantization::QuantizationJob& job, const std::filesystem::path& out) {
  const QuantizeSpace space = spaceFor(job);
  const uint64_t needed = space.workBytes + space.artifactBytes;
  const uint64_t there = sizeOfFiles(job.workDirectory);
  exporting::checkSpace(out, needed - std::min(needed, there), "the work and the artifact");
}

exporting::Audit writeChecked(const quantization::QuantizedModel& quantized, const QuantizeRequest& request,
                              const std::stop_token& stop, base::Progress& progress) {
  // Another program may have written to the output since the first check.
  exporting::checkArtifactOutput(request.out, request.replace);
  exporting::Audit audit = exporting::writeArtifact(quantized, request.out, stop, progress);
  if (!audit.passed)
    throw base::Error(base::ErrorCode::Corrupt, "'" + request.out.string() +
                                                    "' was not written, as it would not have held what was "
                                                    "quantized: " +
                                                    audit.detail);
  return audit;
}

/// Removes the work directory. Returns a note on what could not be removed; does not throw, because the
/// artifact is complete and its run must not fail any more.
std::string cleanUp(base::WorkDirectory& work) {
  try {
    return base::describeKept(work.path(), work.remove());
  } catch (const base::Error& error) {
    return "'" + work.path().string() + "' stays: " + error.what();
  }
}

void checkOutput(const QuantizeRequest& request, const std::stop_token& stop) {
  if (request.out.empty())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "out: expected a directory for the artifact, found none");
  exporting::checkArtifactOutput(request.out, request.replace);
  exporting::checkReplaceable(exporting::normalOutput(request.out), base::OwnedFiles::Check::Contents, stop);
  exporting::checkWritablePlace(request.out);
}

/// Resolved recipe and its calibration data.
struct Prepared {
  quantization::QuantizationJob job;
  std::optional<calibration::CalibrationReport> report;
};

/// Checks the request against the model. The caller sets the work directory and the calibration set of the
/// job.
Prepared prepare(const QuantizeRequest& request, const std::shared_ptr<const model::Model>& model,
                 const Services& services, base::ThreadPool& pool, const std::stop_token& stop,
                 base::Progress& progress) {
  exporting::checkWritable(*model, request.out, stop);
  Prepared prepared;
  prepared.job.plan = planFor(model, request.recipe, services);
  prepared.job.memoryLimit = request.memoryLimit;
  prepared.report = calibrationFor(request, *prepared.job.plan, pool, stop, progress);
  return prepared;
}

/// Quantizes without logging: checks what can be checked before the work, quantizes, and writes the artifact.
/// `claim` receives the work directory, which the caller cleans up.
QuantizeResult quantizeAndWrite(const QuantizeRequest& request, const Services& services,
                                std::optional<base::WorkDirectory>& claim, const std::stop_token& stop,
                                base::Progress& progress) {
  checkOutput(request, stop);
  // Locked from the beginning: another program is refused before its work, not after it.
  base::WorkDirectory& work =
      claim.emplace(workDirectoryOf(request.out), "quantizing " + request.model.filename().string() +
                                                      " into '" + request.out.filename().string() + "'");
  progress.report(0, "reading the model");
  const auto model = model::openModel(request.model, stop);
  base::ThreadPool pool(services.threads);
  base::SubProgress readProgress(progress, 0.0, 0.02, "calibration data");
  auto [job, report] = prepare(request, model, services, pool, stop, readProgress);
  job.workDirectory = work.path();
  job.claim = &work;
  job.calibration = report ? &report->set : nullptr;
  checkSpaceFor(job, request.out);
  if (report && request.onCalibration)
    request.onCalibration(*report);

  base::SubProgress engineProgress(progress, 0.02, 0.94);
  const quantization::QuantizedModel quantized = quantization::quantizeModel(job, pool, stop, engineProgress);
  base::SubProgress writeProgress(progress, 0.94, 1.0, "writing");
  QuantizeResult result;
  result.audit = writeChecked(quantized, request, stop, writeProgress);
  result.artifact = request.out;
  result.layers = quantized.layers;
  result.estimated = quantized.estimated;
  result.actual = quantized.actual;
  result.phases = quantized.phases;
  result.notes = quantized.notes;
  if (report)
    result.findings = report->findings;
  return result;
}

/// Returns the output as the log stores it: absolute, since later calls start in other directories. A path
/// that cannot be resolved is refused by the checks of the run.
std::string outputOf(const std::filesystem::path& out) {
  try {
    return exporting::normalOutput(out).string();
  } catch (const base::Error&) {
    return out.string();
  }
}

base::Json contextOf(const QuantizeRequest& request, const Services& services) {
  return {{"model", request.model.string()},
          {"out", outputOf(request.out)},
          {"recipe", quantization::toJson(request.recipe)},
          {"calibration", request.calibrationFile.filename().string()},
          {"threads", services.threads}};
}

/// Logs the result without a stop token, because the artifact is complete.
void logResult(LoggedRun& run, QuantizeResult& result) {
  base::NoProgress progress;
  const IdentifiedArtifact held =
      identifyArtifact(run, result.artifact, {}, Verification::ByContent, {}, progress);
  // The newest copy that this program wrote.
  if (run.log())
    run.log()->moveArtifact(held.row, base::absolutePath(result.artifact).string());
  result.sha256 = held.files.sha256;
  result.sizeBytes = model::summarize(*model::openModel(result.artifact)).weightBytes;
  base::Json fallbacks = base::Json::object();
  for (const quantization::LayerReport& layer : result.layers)
    if (!layer.fallbacks.empty())
      fallbacks[layer.name] = layer.fallbacks;
  run.context({{"estimatedSeconds", result.estimated.seconds},
               {"estimatedPeakMemoryBytes", result.estimated.peakMemoryBytes},
               {"fallbacks", fallbacks},
               {"calibrationFindings", calibration::toJson(result.findings)}});
  run.metric("quantizeSeconds", result.actual.seconds, "s");
  run.metric("quantizePeakRssBytes", static_cast<double>(result.actual.peakMemoryBytes), "B");
  std::vector<double> errors;
  for (const quantization::LayerReport& layer : result.layers)
    errors.push_back(layer.relativeOutputError);
  run.samples("relativeOutputError", errors);
}

} // namespace

QuantizeResult quantize(const QuantizeRequest& request, const Services& services, const std::stop_token& stop,
                        base::Progress& progress) {
  QuantizeResult result;
  const RunStart start{experiments::RunKind::Quantize, {}, contextOf(request, services)};
  withLoggedRun(services, start, stop, [&](LoggedRun& run) {
    std::optional<base::WorkDirectory> work;
    result = quantizeAndWrite(request, services, work, stop, progress);
    try {
      logResult(run, result);
    } catch (const base::Error& error) {
      throw base::Error(error.code(), "The artifact '" + request.out.string() +
                                          "' is complete, but the experiment log has no run of it: " +
                                          error.what() + ". Evaluate it, and the log will know it");
    }
    if (const std::string kept = cleanUp(*work); !kept.empty())
      result.notes.push_back(kept);
  });
  progress.report(1, "done");
  return result;
}

QuantizeSpace checkQuantize(const QuantizeRequest& request, const std::shared_ptr<const model::Model>& model,
                            const Services& services, const std::stop_token& stop) {
  checkOutput(request, stop);
  base::ThreadPool pool(services.threads);
  base::NoProgress progress;
  Prepared prepared = prepare(request, model, services, pool, stop, progress);
  prepared.job.calibration = prepared.report ? &prepared.report->set : nullptr;
  return spaceFor(prepared.job);
}

QuantizeEstimate estimate(const QuantizeRequest& request, const Services& services) {
  quantization::QuantizationJob job;
  job.plan = planFor(model::openModel(request.model), request.recipe, services);
  job.memoryLimit = request.memoryLimit;
  QuantizeEstimate result;
  result.sourceBytes = model::summarize(*job.plan->source).weightBytes;
  result.artifactBytes = quantization::estimateArtifactBytes(*job.plan);
  result.resources = quantization::estimateResources(job);
  return result;
}

} // namespace nibblesmith::workflow
