// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "benchmark/benchmark.hpp"
#include "calibration/lint.hpp"
#include "checkpoint/weight_statistics.hpp"
#include "devices/deployment.hpp"
#include "experiments/experiment_log.hpp"
#include "quantization/layer_report.hpp"
#include "quantization/sensitivity.hpp"
#include "test_data.hpp"
#include "ui/session/session.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/calibration_check.hpp"
#include "workflow/deploy.hpp"
#include "workflow/deployed_versions.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/export.hpp"
#include "workflow/fit.hpp"
#include "workflow/inspect.hpp"
#include "workflow/quantize.hpp"
#include "workflow/sensitivity.hpp"
#include "workflow/services.hpp"
#include "workflow/written_outputs.hpp"

#include <QSettings>
#include <QTemporaryDir>

#include <atomic>
#include <chrono>
#include <thread>

/// Fake session without the core: calls that return at once, and the data that tests check.
namespace nibblesmith::ui::test {

/// Returns the path of a project file, as typed into the window.
inline QString projectPath(const std::string& relative) {
  return QString::fromStdString(nibblesmith::test::projectFile(relative).string());
}

/// Fake catalog: two roundings that use every kind of parameter, and two transforms.
class FakeMethods final : public quantization::MethodCatalog {
public:
  std::vector<quantization::MethodDescription> methods() const override {
    using quantization::ParameterType;
    quantization::MethodDescription nearest;
    nearest.name = "rtn";
    nearest.label = "Round to nearest";
    nearest.shortLabel = "RTN";
    nearest.help = "Rounds each weight to the nearest value.";
    quantization::MethodDescription learned;
    learned.name = "gptq";
    learned.label = learned.shortLabel = "GPTQ";
    learned.help = "Rounds column by column and makes up for the error.";
    learned.needsCalibration = true;
    learned.parameters = {
        {"dampFraction",
         ParameterType::Number,
         "Damping",
         "Added to the diagonal.",
         "of the mean diagonal",
         0.01,
         1e-6,
         1.0,
         {},
         base::Json::object()},
        {"blockSize",
         ParameterType::Integer,
         "Block size",
         "Columns updated at once.",
         "columns",
         128,
         1.0,
         4096.0,
         {},
         base::Json::object()},
        {"groups",
         ParameterType::Integer,
         "Groups",
         "Offered, or typed.",
         "",
         64,
         16.0,
         512.0,
         {32, 64, 128},
         base::Json::object()},
        {"actOrder",
         ParameterType::Choice,
         "Order",
         "Which columns come first.",
         "",
         "none",
         {},
         {},
         {"none", "static", "dynamic"},
         base::Json::object()},
        {"staticGroups",
         ParameterType::Boolean,
         "Static groups",
         "Fit groups before reordering.",
         "",
         true,
         {},
         {},
         {},
         base::Json{{"actOrder", {"static", "dynamic"}}}},
    };
    quantization::MethodDescription scaling;
    scaling.name = "awq";
    scaling.kind = quantization::MethodKind::Transform;
    scaling.label = scaling.shortLabel = "AWQ";
    scaling.help = "Scales input channels.";
    scaling.needsCalibration = true;
    scaling.parameters = {{"clip",
                           ParameterType::Boolean,
                           "Clip",
                           "Cuts large weights.",
                           "",
                           true,
                           {},
                           {},
                           {},
                           base::Json::object()}};
    quantization::MethodDescription turning;
    turning.name = "rotation";
    turning.kind = quantization::MethodKind::Transform;
    turning.label = turning.shortLabel = "Rotation";
    turning.help = "Turns the model's inner directions.";
    turning.parameters = {{"rotationSeed",
                           ParameterType::Integer,
                           "Seed",
                           "Of the signs.",
                           "",
                           1,
                           0.0,
                           100.0,
                           {},
                           base::Json::object()}};
    return {learned, nearest, scaling, turning};
  }
  std::unique_ptr<quantization::Rounding> makeRounding(const std::string&, const base::Json&) const override {
    return nullptr;
  }
};

inline model::ModelSummary fakeSummary() {
  model::ModelSummary summary;
  summary.config.family = "llama";
  summary.config.hiddenSize = 256;
  summary.config.maxPositions = 1024;
  summary.config.numLayers = 2;
  summary.config.numHeads = 8;
  summary.config.numKeyValueHeads = 4;
  summary.format = "Hugging Face";
  summary.parameters = 6'000'000;
  summary.weightBytes = 12'000'000;
  summary.tensors = {{"model.embed_tokens.weight", "F16", {4096, 256}, 4096 * 256 * 2},
                     {"model.layers.0.mlp.up_proj.weight", "F16", {688, 256}, 688 * 256 * 2},
                     {"model.layers.1.mlp.up_proj.weight", "F16", {688, 256}, 688 * 256 * 2},
                     {"model.norm.weight", "F32", {256}, 1024}};
  return summary;
}

inline experiments::ExperimentRow fakeRow(experiments::RowId id, const std::string& name, double bits,
                                          double mib, double perplexity, double rouge1, double ms) {
  experiments::ExperimentRow row;
  row.artifact = id;
  row.modelName = "demo";
  row.artifactName = name;
  row.method = name.substr(0, name.find(' '));
  row.createdAt = "2026-03-0" + std::to_string(1 + id % 9) + "T10:00:00Z";
  row.path = "/nowhere/" + std::to_string(id);
  row.bits = bits;
  row.sizeBytes = static_cast<uint64_t>(mib * 1024 * 1024);
  row.metrics = {{"perplexity", perplexity},
                 {"perplexityError", perplexity / 60},
                 {"rouge1", rouge1},
                 {"rouge1@health_report", rouge1 + 0.1},
                 {"rouge1@synopsis", rouge1 - 0.1},
                 {"rouge2", rouge1 * 0.6},
                 {"rougeL", rouge1 * 0.9},
                 {"bleu", rouge1 * 60},
                 {"promptTokensPerSecond", 9000 / ms},
                 {"tokensPerSecond", 1000 / ms},
                 {"tokenMsP50", ms},
                 {"tokenMsP90", ms * 1.2},
                 {"peakRssBytes", (mib + 9) * 1048576},
                 {"weightBytes", mib * 1048576}};
  return row;
}

inline std::vector<experiments::ExperimentRow> fakeRows() {
  return {fakeRow(1, "demo", 16, 12.1, 11.42, 0.52, 3.1),
          fakeRow(2, "RTN 4-bit g128", 4, 4.6, 12.31, 0.49, 1.62),
          fakeRow(3, "GPTQ 4-bit g128", 4, 4.6, 11.73, 0.51, 1.61),
          fakeRow(4, "RTN 3-bit g128", 3, 4.0, 21.7, 0.31, 1.55),
          fakeRow(5, "GPTQ 3-bit g128", 3, 4.0, 13.4, 0.46, 1.56),
          fakeRow(6, "GPTQ 8-bit g128", 8, 7.1, 11.43, 0.52, 2.2)};
}

/// Returns the sensitivity of two blocks with two linears each. The first linear of block 0 has the largest
/// error; the first of block 1 was not measured.
inline quantization::Sensitivity fakeSensitivity() {
  quantization::Sensitivity sensitivity;
  sensitivity.tokens = 1024;
  sensitivity.rankCorrelation = 0.9;
  const auto layer = [&](const char* name, double cost) {
    sensitivity.layers.push_back({name, 1000, {{2, cost, 0.5}, {4, cost / 10, 0.1}, {8, cost / 1000, 0.01}}});
  };
  layer("model.layers.0.self_attn.q_proj", 1.0);
  layer("model.layers.0.mlp.up_proj", 0.02);
  layer("model.layers.1.mlp.up_proj", 0.01);
  return sensitivity;
}

/// Session over a temporary directory.
struct FakeSession {
  QTemporaryDir directory;
  FakeMethods methods;
  QSettings settings{directory.filePath(QStringLiteral("settings.ini")), QSettings::IniFormat};
  std::vector<experiments::ExperimentRow> rows; ///< rows of every log that is not in `logs`
  std::map<std::filesystem::path, std::vector<experiments::ExperimentRow>> logs;
  std::vector<workflow::QuantizeRequest> quantized;
  std::vector<workflow::EvaluateRequest> evaluated;
  std::vector<workflow::SensitivityRequest> measured;
  std::vector<workflow::FitRequest> fitted;
  workflow::DeployedVersions versions; ///< versions on every device
  std::vector<std::string> rolledBackTo;
  std::atomic<int> checked = 0;
  std::vector<workflow::BenchmarkRequest> benchmarked;
  std::vector<workflow::DeleteRequest> deleted;
  std::vector<std::filesystem::path> loggedInto; ///< log of each quantization
  std::unique_ptr<Session> session;

  WorkflowCalls calls() {
    WorkflowCalls calls;
    calls.inspect = [](const std::filesystem::path& path, const std::stop_token&) {
      if (path.filename() == "broken")
        throw base::Error(base::ErrorCode::Corrupt, "model.safetensors: expected 10 bytes, found 3");
      return workflow::Inspection{fakeSummary(), {"demo", "apache-2.0", {"base"}, ""}};
    };
    calls.weightStatistics = [](const std::filesystem::path&, const std::string& tensor,
                                const std::stop_token&) {
      if (tensor == "model.norm.weight")
        throw base::Error(base::ErrorCode::Numerical, "tensor 'model.norm.weight': expected finite values");
      checkpoint::WeightStatistics statistics;
      statistics.count = 1000;
      statistics.minimum = -0.5f;
      statistics.maximum = statistics.limit = 1.0f;
      statistics.standardDeviation = 0.25;
      statistics.histogram.assign(checkpoint::WeightStatistics::kBins, 10);
      statistics.histogram.back() = 190;
      statistics.channelMagnitudes = {0.1f, 0.2f, 1.0f, 0.2f};
      statistics.outlierChannels = {2};
      return statistics;
    };
    calls.fit = [this](const workflow::FitRequest& request, const workflow::Services&) {
      fitted.push_back(request);
      workflow::DeviceFit small;
      small.profile = {"small", "Small board", 1u << 20, 0, 4, 1e9, "a test"};
      small.footprint = {request.context, 4'000'000, 500'000, 100'000, 4'500'000};
      small.availableBytes = small.profile.memoryBytes;
      workflow::DeviceFit large = small;
      large.profile.name = "Large board";
      large.availableBytes = large.profile.memoryBytes = 1u << 30;
      large.fits = true;
      large.tokensPerSecond = 222;
      return std::vector{small, large};
    };
    calls.estimate = [](const workflow::QuantizeRequest&, const workflow::Services&) {
      return workflow::QuantizeEstimate{12'000'000, 4'000'000, {30, 100'000'000, 9'000'000}};
    };
    calls.checkCalibration = [this](const workflow::CalibrationRequest& request, const workflow::Services&,
                                    const std::stop_token&, base::Progress&) {
      ++checked;
      if (request.options.samples > 1000)
        throw base::Error(base::ErrorCode::InvalidArgument,
                          "calibration: 'samples': expected at most 8, found 1001");
      calibration::CalibrationReport report;
      report.tokens = 512;
      report.set.sequences.resize(1);
      report.findings = {{"duplicates", "4 of 9 prompts repeat an earlier one", 4, {"entry 3", "entry 5"}}};
      if (!request.evaluation.empty())
        report.findings.push_back(
            {"evaluation overlap", "held against " + request.evaluation.string(), 1, {}});
      return report;
    };
    calls.quantize = [this](const workflow::QuantizeRequest& request, const workflow::Services& services,
                            const std::stop_token&, base::Progress& progress) {
      quantized.push_back(request);
      loggedInto.push_back(services.log);
      progress.report(0.5, "block 1 of 2");
      workflow::QuantizeResult result;
      result.artifact = request.out;
      result.sha256 = "identity of " + request.recipe.name;
      quantization::LayerReport layer;
      layer.name = "layers.0.mlp.up_proj";
      layer.requested = layer.effective = "4-bit group 128 symmetric";
      layer.fallbacks = {"damping raised to 0.04"};
      result.layers = {layer};
      result.audit.passed = true;
      return result;
    };
    calls.sensitivity = [this](const workflow::SensitivityRequest& request, const workflow::Services&,
                               const std::stop_token&, base::Progress&) {
      measured.push_back(request);
      return fakeSensitivity();
    };
    calls.evaluate = [this](const workflow::EvaluateRequest& request, const workflow::Services&,
                            const std::stop_token&, base::Progress&) {
      evaluated.push_back(request);
      return workflow::EvaluateResult();
    };
    calls.benchmark = [this](const workflow::BenchmarkRequest& request, const workflow::Services&,
                             const std::stop_token&, base::Progress&) {
      benchmarked.push_back(request);
      return benchmark::BenchmarkResult();
    };
    calls.deleteFiles = [this](const workflow::DeleteRequest& request, const workflow::Services&,
                               const std::stop_token&) {
      deleted.push_back(request);
      const std::filesystem::path& artifact = request.artifact;
      if (artifact.parent_path() != "/artifacts")
        throw base::Error(base::ErrorCode::InvalidArgument, "'" + artifact.string() + "' is not deleted");
      workflow::DeletedFiles result{artifact, {}};
      result.kept.add("photos/");
      return result;
    };
    calls.probe = [](const workflow::DeviceAccess& access, const std::stop_token&) {
      if (!access.confirmHostKey({access.device.host, access.device.port, "ssh-ed25519", "SHA256:abc"}))
        throw base::Error(base::ErrorCode::Io, "host key of '" + access.device.host + "' was not confirmed");
      devices::Probe probe;
      probe.cpu = "Cortex-A72";
      probe.cores = 4;
      return probe;
    };
    calls.deployedVersions = [this](const workflow::DeviceAccess&, const workflow::Services&,
                                    const std::stop_token&) { return versions; };
    calls.rollBack = [this](const workflow::DeviceAccess&, const std::string& expected,
                            const workflow::Services&, const std::stop_token&) {
      rolledBackTo.push_back(expected);
      return devices::DeploymentResult();
    };
    calls.experiments = [this](const std::filesystem::path& log, const std::stop_token&) {
      if (log.filename() == "foreign.db")
        throw base::Error(base::ErrorCode::Corrupt, "'foreign.db': expected an experiment log");
      const auto found = logs.find(log);
      return found == logs.end() ? rows : found->second;
    };
    return calls;
  }

  Session& start() {
    const std::filesystem::path root = directory.path().toStdString();
    SessionPaths paths{root / "log.db",       "/usr/bin/true", root,
                       root / "devices.json", root / "log.db", root / "demo/demo.db"};
    session = std::make_unique<Session>(paths, calls(), methods, settings);
    return *session;
  }
};

/// Waits until the condition holds, at most five seconds.
#define NIB_WAIT(condition) QTRY_VERIFY_WITH_TIMEOUT(condition, 5000)

/// Returns a version on a device, for example the third artifact of fakeRows().
inline workflow::DeployedVersion fakeVersion(const std::string& name, const std::string& artifact,
                                             const std::string& deployedAt, experiments::RowId run) {
  return {{name, std::string(64, 'a'), 4'600'000}, "demo", artifact, deployedAt, run};
}

/// Job function that works until it is stopped.
inline std::any workUntilStopped(const std::stop_token& stop) {
  while (!stop.stop_requested())
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  throw base::Cancelled();
}

} // namespace nibblesmith::ui::test
