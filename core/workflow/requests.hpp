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

/// The whole way, one call per step. Window, command line and cluster call these and nothing below. Every
/// path named `artifact` or `model` is a Hugging Face directory, a GGUF file or an artifact directory.
///
/// All throw base::Error and base::Cancelled. quantize(), evaluate(), runBenchmark(), exportModel(), deploy()
/// and rollBack() each write a run into the log, which ends finished, failed or cancelled as the call does;
/// a deployment that is measured writes two. The log is checked and written to before the work begins, so a
/// log that is locked, damaged or on a full disk is told then. The other calls answer questions and log
/// nothing.
///
/// An artifact is the content of its files (exporting::ArtifactFiles); paths and names are labels. Every run,
/// export and deployment in the log belongs to that identity. A request's expectedHash is the identity of the
/// log row that the caller chose: other files are refused before the work (see hold()). Empty: whatever is at
/// the path. Files that change during the work make the call fail.
namespace nibblesmith::workflow {

struct QuantizeRequest {
  std::filesystem::path model;
  quantization::Recipe recipe;
  std::filesystem::path calibrationFile; ///< may be empty where no method needs it
  std::filesystem::path out;             ///< the artifact directory
  std::filesystem::path evaluation =
      {}; ///< what the result will be measured on: calibration data is held against it
  /// Gets what was found about the calibration data before the work begins, on the calling thread; may be
  /// empty.
  std::function<void(const calibration::CalibrationReport&)> onCalibration = {};
  uint64_t memoryLimit = 0; ///< bytes above which activations are kept on disk; 0: half of the memory
  bool replace = false;     ///< an artifact that is at `out` already; else it is refused before the work
};
struct QuantizeResult {
  std::filesystem::path artifact;
  std::string sha256; ///< its identity
  uint64_t sizeBytes = 0;
  std::vector<quantization::LayerReport> layers;
  quantization::ResourceUse estimated, actual;
  quantization::PhaseSeconds phases;
  exporting::Audit audit;
  std::vector<calibration::Finding> findings; ///< about the calibration data
  std::vector<std::string>
      notes; ///< of the engine, in words: what a rotation changed, blocks taken over, ...
};
/// Before the work, the output location is looked at and tried, and the space that the work and the artifact
/// will need is looked for. An artifact that was written stays where the log cannot take its run at last.
QuantizeResult quantize(const QuantizeRequest& request, const Services& services, const std::stop_token& stop,
                        base::Progress& progress);

/// What a quantization will cost, before it starts.
struct QuantizeEstimate {
  uint64_t sourceBytes = 0;
  uint64_t artifactBytes = 0;
  quantization::ResourceUse resources;
};
QuantizeEstimate estimate(const QuantizeRequest& request, const Services& services);

struct FitRequest {
  std::filesystem::path model;
  std::optional<quantization::Recipe> recipe; ///< nothing: the model as it is
  int64_t context = 0;                        ///< tokens; 0: the model's own, 2048 at most
  double bandwidth = 0; ///< of this computer's memory, bytes per second, where it was measured before

  bool operator==(const FitRequest&) const = default;
};
/// How a model sits on one kind of device.
struct DeviceFit {
  devices::DeviceProfile profile;
  benchmark::Footprint footprint;
  uint64_t availableBytes = 0; ///< of the device's memory
  bool fits = false;
  /// That memory can deliver, at the whole context: what is reached is less where arithmetic takes longer. 0:
  /// not known.
  double tokensPerSecond = 0;
};
/// On every device profile of the resources, and this computer last. Logs nothing.
std::vector<DeviceFit> fit(const FitRequest& request, const Services& services);

struct CalibrationRequest {
  std::filesystem::path model;
  std::filesystem::path file;
  std::filesystem::path evaluation; ///< may be empty
  calibration::CalibrationOptions options;

  bool operator==(const CalibrationRequest&) const = default;
};
/// What a file gives as calibration data for a model, and what is wrong with it. Logs nothing.
calibration::CalibrationReport checkCalibration(const CalibrationRequest& request, const Services& services,
                                                const std::stop_token& stop, base::Progress& progress);

struct SensitivityRequest {
  std::filesystem::path model;
  quantization::Recipe recipe;
  std::filesystem::path calibrationFile;
  int64_t sequences = 4; ///< of the recipe's calibration that the layers are measured on
  int64_t tokens = 256;  ///< of one of them, at most
  quantization::SensitivityOptions options;
};
/// What each layer loses at each width; see quantization::measureSensitivity(). Not logged: it is no result
/// of its own.
quantization::Sensitivity sensitivity(const SensitivityRequest& request, const Services& services,
                                      const std::stop_token& stop, base::Progress& progress);

struct EvaluateRequest {
  std::filesystem::path artifact;
  std::filesystem::path text; ///< text or .i32 ids for perplexity; empty: none
  evaluation::PerplexityStyle style = evaluation::PerplexityStyle::LlamaCpp;
  int64_t context = 512;
  std::vector<std::filesystem::path> pairs; ///< JSONL files for ROUGE and BLEU
  int64_t maxTokens = 96;
  int64_t limit = 0; ///< of pairs per file; 0: all
  std::string expectedHash = {};
};
struct EvaluateResult {
  std::optional<evaluation::PerplexityResult> perplexity;
  std::vector<evaluation::PairsResult> pairs; ///< as request.pairs
};
EvaluateResult evaluate(const EvaluateRequest& request, const Services& services, const std::stop_token& stop,
                        base::Progress& progress);

struct BenchmarkRequest {
  std::filesystem::path artifact;
  benchmark::BenchmarkOptions options;
  std::string expectedHash = {};
};
/// Runs nsmith-runner as a process of its own on this machine.
benchmark::BenchmarkResult runBenchmark(const BenchmarkRequest& request, const Services& services,
                                        const std::stop_token& stop, base::Progress& progress);

struct ExportRequest {
  std::filesystem::path artifact;
  exporting::GgufType type = exporting::GgufType::Q4_0;
  std::filesystem::path out;
  bool replace = false; ///< a file that is at `out` already; else it is refused before the work
  std::string expectedHash = {};
};
exporting::Audit exportModel(const ExportRequest& request, const Services& services,
                             const std::stop_token& stop, base::Progress& progress);

/// How a call gets to a device.
struct DeviceAccess {
  devices::Device device;
  std::filesystem::path knownHostsFile; ///< devices::DeviceList::knownHostsFile()
  devices::ConfirmHostKey confirmHostKey;
};
devices::Probe probeDevice(const DeviceAccess& access, const std::stop_token& stop);
/// Switches back to the version before the current one. Where the log knows that version, it gets a
/// deployment of it: the newest one of a device says what runs there. expected: the name of the version that
/// the user was told of; where the device would switch to another one by now, nothing is changed and
/// base::Error {InvalidArgument} says so. Empty: any version.
devices::DeploymentResult rollBack(const DeviceAccess& access, const std::string& expected,
                                   const Services& services, const std::stop_token& stop);

struct DeployRequest {
  std::filesystem::path artifact;
  std::optional<exporting::GgufType> type; ///< none: what holds the artifact without loss, else Q8_0
  DeviceAccess access;
  bool benchmark = true;
  benchmark::BenchmarkOptions options;
  std::string expectedHash = {};
};
struct DeployResult {
  devices::Probe probe;
  std::optional<exporting::GgufType> exportedAs; ///< none: the artifact is a GGUF file itself
  devices::DeploymentResult deployment;
  std::optional<benchmark::BenchmarkResult> benchmark;
};
DeployResult deploy(const DeployRequest& request, const Services& services, const std::stop_token& stop,
                    base::Progress& progress);

/// What a model is, and where it comes from.
struct Inspection : model::ModelSummary {
  ModelCard card;
};
Inspection inspect(const std::filesystem::path& model, const std::stop_token& stop);

/// Of one tensor of a model, by the name that Inspection::tensors has; see checkpoint::weightStatistics().
checkpoint::WeightStatistics weightStatistics(const std::filesystem::path& model, const std::string& tensor,
                                              const std::stop_token& stop);

/// The named presets of the recipe form ("GPTQ 4-bit", ...), from resources/recipes.
std::vector<quantization::Recipe> builtInRecipes(const std::filesystem::path& resources);

} // namespace nibblesmith::workflow
