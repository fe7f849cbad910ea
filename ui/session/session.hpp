// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "devices/deployment.hpp"
#include "devices/device.hpp"
#include "quantization/sensitivity.hpp"
#include "ui/session/device_store.hpp"
#include "ui/session/experiment_store.hpp"
#include "ui/session/host_key_prompt.hpp"
#include "ui/session/job_queue.hpp"
#include "ui/session/job_store.hpp"
#include "ui/session/known_logs.hpp"
#include "ui/session/page.hpp"
#include "ui/session/workflow_calls.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/inspect.hpp"
#include "workflow/written_outputs.hpp"

#include <QObject>
#include <QSettings>
#include <QStringList>

#include <optional>

namespace nibblesmith::ui {

/// File locations; set by the program.
struct SessionPaths {
  std::filesystem::path log; ///< experiment log that is open
  std::filesystem::path runner;
  std::filesystem::path resources;
  std::filesystem::path deviceList;
  std::filesystem::path ownLog = {};  ///< the user's own log
  std::filesystem::path demoLog = {}; ///< log of `./nib demo`; may not exist
};

/// Jobs to run on an artifact after its quantization.
struct FollowUps {
  std::optional<workflow::EvaluateRequest> evaluate; ///< artifact and identity are filled in
  bool benchmark = false;
};

/// Result of a sensitivity measurement.
struct MeasuredSensitivity {
  std::filesystem::path model;
  quantization::Sensitivity sensitivity;
};

/// Result of a connection test.
struct ProbedDevice {
  QString name;
  devices::Probe probe;
};

/// State shared by the pages: the open model, the queue, the log, the devices, and functions that start work.
/// Pages know this object and not each other. GUI thread.
class Session : public QObject {
  Q_OBJECT

public:
  Session(SessionPaths paths, WorkflowCalls calls, const quantization::MethodCatalog& methods,
          QSettings& settings, QObject* parent = nullptr);
  ~Session() override;

  const SessionPaths& paths() const { return m_paths; }
  const WorkflowCalls& calls() const { return m_calls; }
  QSettings& settings() { return m_settings; }
  JobQueue& queue() { return m_queue; }
  JobStore& jobs() { return m_jobs; }
  ExperimentStore& experiments() { return m_experiments; }
  KnownLogs& logs() { return m_logs; }
  DeviceStore& devices() { return m_devices; }
  HostKeyPrompt& hostKeys() { return m_hostKeys; }
  const quantization::MethodCatalog& methods() const { return m_methods; }
  workflow::Services services() const;

  /// Reads the model on a worker; emits modelChanged() or modelFailed(). The open model stays open until
  /// then, and also if the new one cannot be read.
  void openModel(const std::filesystem::path& path);
  bool isOpening() const { return m_opening.isRunning(); }
  /// Path of the open model; empty if none is open.
  const std::filesystem::path& modelPath() const { return m_modelPath; }
  QString modelName() const;
  const std::optional<workflow::Inspection>& model() const { return m_model; }

  /// Reads another experiment log on a worker and switches to it; emits logChanged() or logFailed(). Jobs in
  /// the queue write to the log that was open when they were added.
  void openLog(const std::filesystem::path& path);
  bool isOpeningLog() const { return m_openingLog.isRunning(); }

  /// Paths of recently opened models, newest first.
  QStringList recentModels() const;
  std::filesystem::path demoModel() const { return m_paths.resources / "demo" / "model"; }

  JobId quantize(const workflow::QuantizeRequest& request, const FollowUps& then);
  /// Adds a job whose result is a MeasuredSensitivity.
  JobId measureSensitivity(const workflow::SensitivityRequest& request);
  JobId evaluate(const workflow::EvaluateRequest& request, const QString& name);
  JobId benchmark(const workflow::BenchmarkRequest& request, const QString& name);
  JobId exportModel(const workflow::ExportRequest& request, const QString& name);
  /// Adds a deployment job; of the request's access, only the device is used.
  JobId deploy(const workflow::DeployRequest& request, const QString& name);
  JobId probe(const devices::Device& device);
  /// Adds a job that switches to the version of that name, whose artifact is called `name`.
  JobId rollBack(const devices::Device& device, const std::string& version, const QString& name);
  /// Adds a job that deletes an artifact's files; only those that this program wrote, see
  /// workflow::deleteFiles(). Its result is a workflow::DeletedFiles.
  JobId deleteArtifactFiles(const workflow::DeleteRequest& request, const QString& name);

  /// Identity of an artifact that a job creates, for the jobs that follow it.
  using SharedArtifactHash = std::shared_ptr<std::string>;

  /// Adds the jobs that an earlier program start did not finish to the queue. A job with an invalid request
  /// fails there, with the reason.
  void resumeUnfinished();

  /// Returns the access settings for a device; valid during the lifetime of `stop`.
  workflow::DeviceAccess accessTo(const devices::Device& device, const std::stop_token& stop);

signals:
  void modelOpening(const QString& path);
  void modelChanged();
  void modelFailed(const QString& path, const QString& error);
  void recentModelsChanged();
  void logChanged();
  void logFailed(const QString& path, const QString& error);
  /// Asks the window to show a page.
  void pageRequested(Page page);
  /// Shows a sentence in the status bar.
  void message(const QString& text);

private:
  void rememberModel(const QString& path);
  void forgetRecentModel(const QString& path);
  void onJobEnded(JobId id);
  JobSpec specFor(const workflow::QuantizeRequest& request, const workflow::Services& services,
                  const SharedArtifactHash& made) const;
  JobSpec specFor(const workflow::SensitivityRequest& request, const workflow::Services& services) const;
  JobSpec specFor(const workflow::EvaluateRequest& request, const workflow::Services& services,
                  const SharedArtifactHash& made = nullptr) const;
  JobSpec specFor(const workflow::BenchmarkRequest& request, const workflow::Services& services,
                  const SharedArtifactHash& made = nullptr) const;
  JobSpec specFor(const workflow::ExportRequest& request, const workflow::Services& services) const;
  JobSpec specFor(const workflow::DeployRequest& request, const workflow::Services& services);
  JobSpec specFor(const UnfinishedJob& job, const SharedArtifactHash& made);
  /// Stores the identity of the new artifact in the jobs that follow a quantization, in case a later program
  /// start runs them.
  void keepIdentity(JobId quantized, const std::string& sha256);
  JobId add(JobSpec spec, const QString& title, std::optional<JobId> after = std::nullopt);

  SessionPaths m_paths;
  WorkflowCalls m_calls;
  const quantization::MethodCatalog& m_methods;
  QSettings& m_settings;
  std::filesystem::path m_modelPath;
  std::filesystem::path m_openingPath;
  std::optional<workflow::Inspection> m_model;
  KnownLogs m_logs;
  std::filesystem::path m_nextLog; ///< log that is being read
  ExperimentStore m_experiments;
  DeviceStore m_devices;
  const std::filesystem::path m_knownHostsFile; ///< read by workers
  HostKeyPrompt m_hostKeys;
  LatestTask m_opening;
  LatestTask m_openingLog;
  /// Declared after everything that its workers use.
  JobQueue m_queue;
  JobStore m_jobs; ///< stores the jobs in the queue when the program ends
};

} // namespace nibblesmith::ui
