// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::experiments {

using RowId = int64_t;

/// Persisted: never renumber.
enum class RunKind { Quantize = 1, Evaluate = 2, Benchmark = 3, Export = 4, Deploy = 5, RollBack = 6 };
enum class RunStatus { Running = 1, Finished = 2, Failed = 3, Cancelled = 4 };

struct ModelRow {
  std::string name, path, hash, family;
  uint64_t parameters = 0;
  uint64_t sizeBytes = 0;
};
struct ArtifactRow {
  std::string name; ///< label: "GPTQ 4-bit g128"
  std::string path; ///< last known location of the files
  /// Identity of the artifact; see exporting::ArtifactFiles. Rows of schema 1 contain a different hash until
  /// addArtifact() updates them.
  std::string hash;
  std::string format;
  uint64_t sizeBytes = 0;
  RowId model = 0;
  std::optional<RowId> recipe = std::nullopt;    ///< none for the unquantized model itself
  std::map<std::string, std::string> files = {}; ///< SHA-256 by file name; empty in rows of schema 1
};
struct RunRow {
  RowId id = 0;
  RunKind kind = RunKind::Quantize;
  RunStatus status = RunStatus::Running;
  RowId artifact = 0;                ///< 0 if the run ended before its artifact was known
  std::string device;                ///< "" for this machine
  std::string startedAt, finishedAt; ///< ISO 8601, UTC
  std::string error;
  base::Json context; ///< parameters and state of the machine
  std::map<std::string, double> metrics;
};

/// Row of the Experiments page: one artifact on one device, with the newest value of each metric.
struct ExperimentRow {
  RowId artifact = 0;
  /// method: transforms and rounding of the recipe, "AWQ + GPTQ"; "none" for an unquantized model.
  std::string modelName, artifactName, method, device, createdAt, path, format;
  std::string hash = {};   ///< identity of the artifact that the metrics belong to
  std::string recipe = {}; ///< recipe as JSON text; empty if there is none
  double bits = 16;        ///< bits of the recipe's grid; without a recipe, stored bits per parameter
  uint64_t sizeBytes = 0;
  std::map<std::string, double> metrics;
};

/// Deployment of an artifact to a device.
struct DeploymentRow {
  RowId id = 0;
  RowId artifact = 0;
  std::string device;
  std::string remotePath;      ///< path of the model that runs on the device
  std::string version;         ///< directory name of this version on the device
  std::string previousVersion; ///< version to roll back to; "" if there was none
  std::string sha256;          ///< computed on the device
  std::string deployedAt;      ///< ISO 8601, UTC; set by the log
};

/// File that was exported from an artifact.
struct ExportRow {
  RowId id = 0;
  RowId artifact = 0;
  std::string type; ///< "Q4_0"
  std::string path;
  std::string sha256; ///< of the file
  uint64_t sizeBytes = 0;
  std::string exportedAt = {}; ///< ISO 8601, UTC; set by the log
};

/// Metric names: "perplexity", "perplexityError", "rouge1", "rouge2", "rougeL", "rougeLsum" (0..1), "bleu"
/// (0..100), "promptTokensPerSecond", "tokensPerSecond", "tokenMsP50", "tokenMsP90", "tokenMsP99",
/// "promptMsP50", "peakRssBytes", "weightBytes", "kvCacheBytes", "quantizeSeconds". The suffix "@<dataset>"
/// is added if several data sets are measured.

/// SQLite experiment log (WAL, foreign keys, STRICT tables, migrations numbered in user_version). Use one
/// object per thread; several processes may have the file open. Rows are written as they happen. Every call
/// throws base::Error{Io} if the disk is full, read-only or locked for too long, {Corrupt} if the file is
/// damaged.
class ExperimentLog {
public:
  /// Opens or creates the log. Sets runs that a killed program left running to failed, with the error
  /// "interrupted". stop: ends long reads of this and later calls with base::Cancelled; writes of a few rows
  /// are completed. Throws base::Error{Io}; {Corrupt} also for a file with other tables than this program
  /// creates, or with views or triggers; {NotSupported} for a log of a newer program version. A refused file
  /// is left untouched.
  explicit ExperimentLog(const std::filesystem::path& path, const std::stop_token& stop = {});
  ~ExperimentLog();
  ExperimentLog(const ExperimentLog&) = delete;
  ExperimentLog& operator=(const ExperimentLog&) = delete;

  const std::filesystem::path& path() const;
  int schemaVersion() const;

  /// Returns the existing row if the hash is known.
  RowId addModel(const ModelRow& row);
  /// Returns the existing row if the hash of the JSON is known.
  RowId addRecipe(const base::Json& recipe);
  RowId addDataset(const std::string& name, const std::string& kind, const std::string& path,
                   const std::string& hash);
  /// Adds an artifact, or returns the existing row with the same hash, model and recipe after updating its
  /// path and name. A row of schema 1 whose hash is `formerHash` is given the hash and files of `row`.
  RowId addArtifact(const ArtifactRow& row, const std::string& formerHash = {});
  /// Returns the newest artifact of this identity; none if the log has no such artifact.
  std::optional<RowId> artifactOfHash(const std::string& hash) const;
  /// Changes the path of an artifact whose files were found at another place.
  void moveArtifact(RowId artifact, const std::string& path);

  /// Returns the SHA-256 that a file had when its stamp was `stamp` (base::FileStamp::text()); none if the
  /// file was hashed with another stamp or was never hashed.
  std::optional<std::string> fileDigest(const std::filesystem::path& file, const std::string& stamp) const;
  void setFileDigest(const std::filesystem::path& file, const std::string& stamp, const std::string& sha256);

  /// Sets a name chosen by the user, which later addArtifact() calls do not change; "" restores the recipe's
  /// name. Throws base::Error{NotFound}.
  void renameArtifact(RowId artifact, const std::string& name);

  /// Adds a running run. artifact: none if it is not known yet.
  RowId startRun(RunKind kind, std::optional<RowId> artifact, const std::string& device,
                 const base::Json& context, std::optional<RowId> dataset = std::nullopt);
  /// Sets the artifact of a run once it is known.
  void setArtifact(RowId run, RowId artifact);
  /// Merges the keys of an object into the run's context, for values that are only known once it runs.
  void addContext(RowId run, const base::Json& context);
  /// Adds a metric, or replaces the value of the same name. Throws base::Error{Numerical} for NaN.
  void addMetric(RowId run, const std::string& name, double value, const std::string& unit);
  /// Appends raw values of one metric to the run: per token, per window or per prompt.
  void addSamples(RowId run, const std::string& metric, std::span<const double> values);
  void finishRun(RowId run, RunStatus status, const std::string& error = {});
  /// Adds a deployment; ignores id and deployedAt of the row.
  RowId addDeployment(const DeploymentRow& row);
  /// Adds an export; ignores id and exportedAt of the row.
  RowId addExport(const ExportRow& row);

  /// Checks everything except the raw samples for damage. Throws base::Error{Corrupt} with the findings.
  void check() const;

  /// Removes one row of experiments(): the runs of an artifact on a device with their metrics and samples,
  /// its deployments there, and the artifact itself if nothing else refers to it. Does not delete files.
  /// Throws base::Error{NotFound}, and {InvalidArgument} if one of the runs is still running.
  void deleteExperiment(RowId artifact, const std::string& device);
  /// Removes a run. Throws base::Error{NotFound}, and {InvalidArgument} if it is still running.
  void deleteRun(RowId run);

  std::vector<ExperimentRow> experiments() const;
  std::vector<RunRow> runs(std::optional<RowId> artifact = std::nullopt) const;
  std::optional<ArtifactRow> artifact(RowId id) const;
  base::Json recipeOfArtifact(RowId artifact) const; ///< null if there is none
  std::vector<double> samples(RowId run, const std::string& metric) const;
  /// Returns the deployments, newest first.
  std::vector<DeploymentRow> deployments(std::optional<RowId> artifact = std::nullopt) const;
  /// Returns the exports, newest first.
  std::vector<ExportRow> exports(std::optional<RowId> artifact = std::nullopt) const;

private:
  struct Database;
  std::unique_ptr<Database> m_database;
};

/// Returns $NIBBLESMITH_LOG, or the path of experiments.db in base::dataDirectory().
std::filesystem::path defaultLogPath();
/// Returns the path of the log that `./nib demo` writes; the file may not exist.
std::filesystem::path demoLogPath();

} // namespace nibblesmith::experiments
