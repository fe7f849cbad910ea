// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmark/benchmark.hpp"
#include "benchmark/footprint.hpp"
#include "calibration/lint.hpp"
#include "checkpoint/weight_statistics.hpp"
#include "devices/deployment.hpp"
#include "devices/profile.hpp"
#include "evaluation/pairs.hpp"
#include "evaluation/perplexity.hpp"
#include "experiments/experiment_log.hpp"
#include "export/gguf.hpp"
#include "quantization/engine.hpp"
#include "quantization/sensitivity.hpp"
#include "workflow/model_card.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

/// Workflow of the program, one call per step. The window, the command line and cluster jobs call these
/// functions and nothing below. Every path named `artifact` or `model` is a Hugging Face directory, a GGUF
/// file or an artifact directory.
///
/// All functions throw base::Error and base::Cancelled. quantize(), evaluate(), runBenchmark(),
/// exportModel(), deploy() and rollBack() each write one run to the log, which ends as finished, failed or
/// cancelled like the call; a deployment with a benchmark writes two. The log is checked and written to
/// before the work begins; a log that is locked, damaged or on a full disk fails the call at this point. The
/// other functions log nothing.
///
/// An artifact is identified by the content of its files (exporting::ArtifactFiles); paths and names are
/// labels. Every run, export and deployment in the log belongs to that identity. A request's expectedHash is
/// the identity of the log row that the caller chose: different files are refused before the work (see
/// hold()). An empty expectedHash accepts any files. Files that change during the work make the call fail.
namespace nibblesmith::workflow {

struct QuantizeRequest {
  std::filesystem::path model;
  quantization::Recipe recipe;
  std::filesystem::path calibrationFile; ///< may be empty if no method needs it
  std::filesystem::path out;             ///< artifact directory
  /// Text that the result will be evaluated on; calibration data is checked for overlap with it.
  std::filesystem::path evaluation = {};
  /// Called with the findings about the calibration data before the work begins, on the calling thread; may
  /// be empty.
  std::function<void(const calibration::CalibrationReport&)> onCalibration = {};
  uint64_t memoryLimit = 0; ///< in bytes; activations above it are kept on disk; 0: half of the memory
  bool replace = false; ///< replaces an existing artifact at `out`; otherwise it is refused before the work
};
struct QuantizeResult {
  std::filesystem::path artifact;
  std::string sha256; ///< identity of the artifact
  uint64_t sizeBytes = 0;
  std::vector<quantization::LayerReport> layers;
  quantization::ResourceUse estimated, actual;
  quantization::PhaseSeconds phases;
  exporting::Audit audit;
  std::vector<calibration::Finding> findings; ///< about the calibration data
  /// Notes of the engine, as text: changes made by a rotation, blocks reused from an earlier run, ...
  std::vector<std::string> notes;
};
/// Quantizes a model. Checks the output location and the required disk space before the work. An artifact
/// that was written is kept even if the log cannot be written at the end.
QuantizeResult quantize(const QuantizeRequest& request, const Services& services, const std::stop_token& stop,
                        base::Progress& progress);

/// Cost of a quantization, computed before it starts.
struct QuantizeEstimate {
  uint64_t sourceBytes = 0;
  uint64_t artifactBytes = 0;
  quantization::ResourceUse resources;
};
QuantizeEstimate estimate(const QuantizeRequest& request, const Services& services);

struct FitRequest {
  std::filesystem::path model;
  std::optional<quantization::Recipe> recipe; ///< none: the unquantized model
  int64_t context = 0;                        ///< tokens; 0: the model's context length, at most 2048
  /// Memory bandwidth of this computer in bytes per second, if it was measured before; 0: measure it.
  double bandwidth = 0;

  bool operator==(const FitRequest&) const = default;
};
/// Memory use and speed of a model on one kind of device.
struct DeviceFit {
  devices::DeviceProfile profile;
  benchmark::Footprint footprint;
  uint64_t availableBytes = 0; ///< device memory available to the model
  bool fits = false;
  /// Upper bound set by the memory bandwidth, at the full context; lower in practice if the computation takes
  /// longer. 0: unknown.
  double tokensPerSecond = 0;
};
/// Returns one result per device profile in the resources, then one for this computer. Logs nothing.
std::vector<DeviceFit> fit(const FitRequest& request, const Services& services);

struct CalibrationRequest {
  std::filesystem::path model;
  std::filesystem::path file;
  std::filesystem::path evaluation; ///< may be empty
  calibration::CalibrationOptions options;

  bool operator==(const CalibrationRequest&) const = default;
};
/// Reports the content of a calibration file for a model, and problems with it. Logs nothing.
calibration::CalibrationReport checkCalibration(const CalibrationRequest& request, const Services& services,
                                                const std::stop_token& stop, base::Progress& progress);

struct SensitivityRequest {
  std::filesystem::path model;
  quantization::Recipe recipe;
  std::filesystem::path calibrationFile;
  int64_t sequences = 4; ///< number of calibration sequences that the layers are measured on
  int64_t tokens = 256;  ///< maximum per sequence
  quantization::SensitivityOptions options;
};
/// Measures the error of each layer at each bit width; see quantization::measureSensitivity(). Logs nothing.
quantization::Sensitivity sensitivity(const SensitivityRequest& request, const Services& services,
                                      const std::stop_token& stop, base::Progress& progress);

struct EvaluateRequest {
  std::filesystem::path artifact;
  std::filesystem::path text; ///< text or .i32 ids for perplexity; empty: not measured
  evaluation::PerplexityStyle style = evaluation::PerplexityStyle::LlamaCpp;
  int64_t context = 512;
  std::vector<std::filesystem::path> pairs; ///< JSONL files for ROUGE and BLEU
  int64_t maxTokens = 96;
  int64_t limit = 0; ///< maximum number of pairs per file; 0: all
  std::string expectedHash = {};
};
struct EvaluateResult {
  std::optional<evaluation::PerplexityResult> perplexity;
  std::vector<evaluation::PairsResult> pairs; ///< one result per file of request.pairs
};
EvaluateResult evaluate(const EvaluateRequest& request, const Services& services, const std::stop_token& stop,
                        base::Progress& progress);

struct BenchmarkRequest {
  std::filesystem::path artifact;
  benchmark::BenchmarkOptions options;
  std::string expectedHash = {};
};
/// Runs nsmith-runner as a separate process on this machine.
benchmark::BenchmarkResult runBenchmark(const BenchmarkRequest& request, const Services& services,
                                        const std::stop_token& stop, base::Progress& progress);

struct ExportRequest {
  std::filesystem::path artifact;
  exporting::GgufType type = exporting::GgufType::Q4_0;
  std::filesystem::path out;
  bool replace = false; ///< replaces an existing file at `out`; otherwise it is refused before the work
  std::string expectedHash = {};
};
exporting::Audit exportModel(const ExportRequest& request, const Services& services,
                             const std::stop_token& stop, base::Progress& progress);

/// Connection settings for calls that use a device.
struct DeviceAccess {
  devices::Device device;
  std::filesystem::path knownHostsFile; ///< see devices::DeviceList::knownHostsFile()
  devices::ConfirmHostKey confirmHostKey;
};
devices::Probe probeDevice(const DeviceAccess& access, const std::stop_token& stop);
/// Switches to the version before the current one. Logs a new deployment of that version if the log contains
/// it: the newest deployment of a device is the version that runs. expected: name of the version shown to the
/// user; if the device would switch to another one by now, throws base::Error{InvalidArgument} and changes
/// nothing. Empty: any version.
devices::DeploymentResult rollBack(const DeviceAccess& access, const std::string& expected,
                                   const Services& services, const std::stop_token& stop);

struct DeployRequest {
  std::filesystem::path artifact;
  std::optional<exporting::GgufType> type; ///< none: lossless type if there is one, else Q8_0
  DeviceAccess access;
  bool benchmark = true;
  benchmark::BenchmarkOptions options;
  std::string expectedHash = {};
};
struct DeployResult {
  devices::Probe probe;
  std::optional<exporting::GgufType> exportedAs; ///< none: the artifact is already a GGUF file
  devices::DeploymentResult deployment;
  std::optional<benchmark::BenchmarkResult> benchmark;
};
DeployResult deploy(const DeployRequest& request, const Services& services, const std::stop_token& stop,
                    base::Progress& progress);

/// Description of a model, with its origin.
struct Inspection : model::ModelSummary {
  ModelCard card;
};
Inspection inspect(const std::filesystem::path& model, const std::stop_token& stop);

/// Computes statistics of one tensor, named as in Inspection::tensors; see checkpoint::weightStatistics().
checkpoint::WeightStatistics weightStatistics(const std::filesystem::path& model, const std::string& tensor,
                                              const std::stop_token& stop);

/// Returns the named presets of the recipe form ("GPTQ 4-bit", ...), from resources/recipes.
std::vector<quantization::Recipe> builtInRecipes(const std::filesystem::path& resources);

} // namespace nibblesmith::workflow
