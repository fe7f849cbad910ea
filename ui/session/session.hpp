// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/device_store.hpp"
#include "ui/session/experiment_store.hpp"
#include "ui/session/host_key_prompt.hpp"
#include "ui/session/job_queue.hpp"
#include "ui/session/job_store.hpp"
#include "ui/session/known_logs.hpp"
#include "ui/session/workflow_calls.hpp"

#include <QObject>
#include <QSettings>
#include <QStringList>

#include <optional>

namespace nibblesmith::ui {

/// Where things are; wired by the program.
struct SessionPaths {
  std::filesystem::path log; ///< that is open
  std::filesystem::path runner;
  std::filesystem::path resources;
  std::filesystem::path deviceList;
  std::filesystem::path ownLog = {};  ///< the user's, where nothing else was asked for
  std::filesystem::path demoLog = {}; ///< of `./nib demo`; may not be there
};

/// What to do with an artifact once it is there.
struct FollowUps {
  std::optional<workflow::EvaluateRequest> evaluate; ///< its artifact and its identity are filled in
  bool benchmark = false;
};

/// The result of measuring a model's layers.
struct MeasuredSensitivity {
  std::filesystem::path model;
  quantization::Sensitivity sensitivity;
};

/// The result of a connection test.
struct ProbedDevice {
  QString name;
  devices::Probe probe;
};

/// What the pages share: the open model, the queue, the log, the devices, and the work they can ask for.
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

  /// Reads the model on a worker; modelChanged() or modelFailed() follows. The model that is open stays until
  /// then, and stays where the other cannot be read.
  void openModel(const std::filesystem::path& path);
  bool isOpening() const { return m_opening.isRunning(); }
  /// The model that is open; empty where none is.
  const std::filesystem::path& modelPath() const { return m_modelPath; }
  QString modelName() const;
  const std::optional<workflow::Inspection>& model() const { return m_model; }

  /// Reads another experiment log on a worker and goes over to it; logChanged() or logFailed() follows. Jobs
  /// that are in the queue write into the log that was open when they were started.
  void openLog(const std::filesystem::path& path);
  bool isOpeningLog() const { return m_openingLog.isRunning(); }

  /// Newest first.
  QStringList recentModels() const;
  std::filesystem::path demoModel() const { return m_paths.resources / "demo" / "model"; }

  JobId quantize(const workflow::QuantizeRequest& request, const FollowUps& then);
  /// Its result is a MeasuredSensitivity.
  JobId measureSensitivity(const workflow::SensitivityRequest& request);
  JobId evaluate(const workflow::EvaluateRequest& request, const QString& name);
  JobId benchmark(const workflow::BenchmarkRequest& request, const QString& name);
  JobId exportModel(const workflow::ExportRequest& request, const QString& name);
  /// Of the request's access, the device is enough.
  JobId deploy(const workflow::DeployRequest& request, const QString& name);
  JobId probe(const devices::Device& device);
  /// Back to the version of that name, which runs `name`.
  JobId rollBack(const devices::Device& device, const std::string& version, const QString& name);
  /// Deletes an artifact's files; only what this program wrote, see workflow::deleteFiles(). Its result is a
  /// workflow::DeletedFiles.
  JobId deleteArtifactFiles(const std::filesystem::path& artifact, const QString& name);

  /// Identity of an artifact that a job makes, for the jobs behind it.
  using MadeHash = std::shared_ptr<std::string>;

  /// Puts the jobs that an earlier start of the program did not finish into the queue. One whose request
  /// cannot be understood fails there, with the reason.
  void resumeUnfinished();

  /// How a call gets to a device; valid while `stop` is.
  workflow::DeviceAccess accessTo(const devices::Device& device, const std::stop_token& stop);

signals:
  void modelOpening(const QString& path);
  void modelChanged();
  void modelFailed(const QString& path, const QString& error);
  void recentModelsChanged();
  void logChanged();
  void logFailed(const QString& path, const QString& error);
  /// One page asks the window to show another: "models", "recipe", "queue", "experiments", "devices".
  void pageRequested(const QString& page);
  /// A sentence for the status bar.
  void message(const QString& text);

private:
  void rememberModel(const QString& path);
  void forgetRecentModel(const QString& path);
  void onJobEnded(JobId id);
  JobSpec specFor(const workflow::QuantizeRequest& request, const workflow::Services& services,
                  const MadeHash& made) const;
  JobSpec specFor(const workflow::SensitivityRequest& request, const workflow::Services& services) const;
  JobSpec specFor(const workflow::EvaluateRequest& request, const workflow::Services& services,
                  const MadeHash& made = nullptr) const;
  JobSpec specFor(const workflow::BenchmarkRequest& request, const workflow::Services& services,
                  const MadeHash& made = nullptr) const;
  JobSpec specFor(const workflow::ExportRequest& request, const workflow::Services& services) const;
  JobSpec specFor(const workflow::DeployRequest& request, const workflow::Services& services);
  JobSpec specFor(const UnfinishedJob& job, const MadeHash& made);
  /// Tells the jobs behind a quantization which artifact they are about, should a later start do them.
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
  std::filesystem::path m_nextLog; ///< that is being read
  ExperimentStore m_experiments;
  DeviceStore m_devices;
  const std::filesystem::path m_knownHostsFile; ///< read by workers
  HostKeyPrompt m_hostKeys;
  LatestTask m_opening;
  LatestTask m_openingLog;
  JobQueue m_queue; ///< behind what its workers use
  JobStore m_jobs;  ///< keeps what is in the queue when the program ends
};

} // namespace nibblesmith::ui
