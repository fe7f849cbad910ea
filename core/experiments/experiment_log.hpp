// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
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
  std::string name; ///< "GPTQ 4-bit g128": a label
  std::string path; ///< where the files were seen last
  /// The artifact's identity; see exporting::ArtifactFiles. Rows of the first schema have another hash until
  /// addArtifact() meets them.
  std::string hash;
  std::string format;
  uint64_t sizeBytes = 0;
  RowId model = 0;
  std::optional<RowId> recipe = std::nullopt;    ///< none: the unquantized model itself
  std::map<std::string, std::string> files = {}; ///< SHA-256 by name; empty in rows of the first schema
};
struct RunRow {
  RowId id = 0;
  RunKind kind = RunKind::Quantize;
  RunStatus status = RunStatus::Running;
  RowId artifact = 0;                ///< 0: the run ended before it had one
  std::string device;                ///< "" is this machine
  std::string startedAt, finishedAt; ///< ISO 8601, UTC
  std::string error;
  base::Json context; ///< parameters and the machine's state
  std::map<std::string, double> metrics;
};

/// What the Experiments page shows: one artifact on one device, with the newest value of each metric.
struct ExperimentRow {
  RowId artifact = 0;
  /// method: transforms and rounding of the recipe, "AWQ + GPTQ"; "none" for a model as it was found.
  std::string modelName, artifactName, method, device, createdAt, path, format;
  std::string hash = {};   ///< the artifact's identity, which its figures belong to
  std::string recipe = {}; ///< JSON text of its recipe; empty without one
  double bits = 16;        ///< of the recipe's grid; without a recipe, stored bits per parameter
  uint64_t sizeBytes = 0;
  std::map<std::string, double> metrics;
};

/// An artifact that was put on a device.
struct DeploymentRow {
  RowId id = 0;
  RowId artifact = 0;
  std::string device;
  std::string remotePath;      ///< of what is run there
  std::string version;         ///< the directory name of this version on the device
  std::string previousVersion; ///< what was current before, for a roll-back; "" where there was none
  std::string sha256;          ///< as computed on the device
  std::string deployedAt;      ///< ISO 8601, UTC; set by the log
};

/// A file that was made from an artifact.
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
/// "promptMsP50", "peakRssBytes", "weightBytes", "kvCacheBytes", "quantizeSeconds". With a suffix
/// "@<dataset>" where several sets are measured.

/// The SQLite experiment log (WAL, foreign keys, STRICT tables, numbered migrations in user_version). One
/// object per thread; several processes may have the file open. Rows are written as they happen. Every call
/// throws base::Error{Io} where the disk is full, read-only or locked for long, {Corrupt} where the file is
/// damaged.
class ExperimentLog {
public:
  /// Opens or creates. Runs that a killed program left running become failed ones, "interrupted".
  /// Throws base::Error{Io, Corrupt}; {NotSupported} for a log of a newer program: the file is then
  /// untouched.
  explicit ExperimentLog(const std::filesystem::path& path);
  ~ExperimentLog();
  ExperimentLog(const ExperimentLog&) = delete;
  ExperimentLog& operator=(const ExperimentLog&) = delete;

  const std::filesystem::path& path() const;
  int schemaVersion() const;

  RowId addModel(const ModelRow& row);       ///< the existing row where the hash is known
  RowId addRecipe(const base::Json& recipe); ///< likewise, by the JSON's hash
  RowId addDataset(const std::string& name, const std::string& kind, const std::string& path,
                   const std::string& hash);
  /// Likewise, by hash, model and recipe; path and name are updated. A row of the first schema whose hash is
  /// `formerHash` gets the row's hash and files.
  RowId addArtifact(const ArtifactRow& row, const std::string& formerHash = {});
  /// The newest artifact of this identity; none where the log has not seen it.
  std::optional<RowId> artifactOfHash(const std::string& hash) const;
  /// The files of an artifact were found at another place.
  void moveArtifact(RowId artifact, const std::string& path);

  /// The SHA-256 that a file had when its stamp was this one (base::FileStamp::text()); none where it has
  /// another stamp now, or was never hashed.
  std::optional<std::string> fileDigest(const std::filesystem::path& file, const std::string& stamp) const;
  void setFileDigest(const std::filesystem::path& file, const std::string& stamp, const std::string& sha256);

  /// The name the user gives it, which later addArtifact calls do not change; "" gives the recipe's back.
  /// Throws base::Error{NotFound}.
  void renameArtifact(RowId artifact, const std::string& name);

  /// artifact: none where it is not known yet.
  RowId startRun(RunKind kind, std::optional<RowId> artifact, const std::string& device,
                 const base::Json& context, std::optional<RowId> dataset = std::nullopt);
  /// Says what a run is of, once that is known.
  void setArtifact(RowId run, RowId artifact);
  /// Merges the keys of an object into the run's context: what is only known once it runs.
  void addContext(RowId run, const base::Json& context);
  /// A value of the same name is replaced. Throws base::Error{Numerical} for one that is not a number.
  void addMetric(RowId run, const std::string& name, double value, const std::string& unit);
  /// Raw values of one metric: per token, per window, per prompt. Appends to what the run has of it.
  void addSamples(RowId run, const std::string& metric, std::span<const double> values);
  void finishRun(RowId run, RunStatus status, const std::string& error = {});
  /// Id and deployedAt of the row are not looked at.
  RowId addDeployment(const DeploymentRow& row);
  /// Likewise, id and exportedAt.
  RowId addExport(const ExportRow& row);

  /// Looks for damage in everything but the raw samples. Throws base::Error{Corrupt} with what was found.
  void check() const;

  /// Removes one row of experiments(): the runs of an artifact on a device with their metrics and samples,
  /// its deployments there, and the artifact itself where nothing else refers to it. Files stay. Throws
  /// base::Error{NotFound}, and {InvalidArgument} while one of the runs is being made.
  void deleteExperiment(RowId artifact, const std::string& device);
  /// Throws base::Error{NotFound}, and {InvalidArgument} while it is being made.
  void deleteRun(RowId run);

  std::vector<ExperimentRow> experiments() const;
  std::vector<RunRow> runs(std::optional<RowId> artifact = std::nullopt) const;
  std::optional<ArtifactRow> artifact(RowId id) const;
  base::Json recipeOfArtifact(RowId artifact) const; ///< null where there is none
  std::vector<double> samples(RowId run, const std::string& metric) const;
  /// Newest first.
  std::vector<DeploymentRow> deployments(std::optional<RowId> artifact = std::nullopt) const;
  /// Newest first.
  std::vector<ExportRow> exports(std::optional<RowId> artifact = std::nullopt) const;

private:
  struct Database;
  std::unique_ptr<Database> m_database;
};

/// $NIBBLESMITH_LOG, or experiments.db in base::dataDirectory().
std::filesystem::path defaultLogPath();
/// Where `./nib demo` keeps its results; the file may not be there.
std::filesystem::path demoLogPath();

} // namespace nibblesmith::experiments
