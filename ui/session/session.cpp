// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/session.hpp"

#include "base/path_status.hpp"
#include "devices/device.hpp"
#include "ui/session/model_name.hpp"
#include "ui/session/text.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/deploy.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/export.hpp"
#include "workflow/inspect.hpp"
#include "workflow/quantize.hpp"
#include "workflow/sensitivity.hpp"
#include "workflow/written_outputs.hpp"

namespace nibblesmith::ui {

namespace {

constexpr int kRecentModels = 8;
const QString kRecentKey = QStringLiteral("models/recent");

QString evaluateTitle(const QString& name) { return Session::tr("Evaluate %1").arg(name); }
QString benchmarkTitle(const QString& name) { return Session::tr("Benchmark %1").arg(name); }

} // namespace

Session::Session(SessionPaths paths, WorkflowCalls calls, const quantization::MethodCatalog& methods,
                 QSettings& settings, QObject* parent)
    : QObject(parent), m_paths(std::move(paths)), m_calls(std::move(calls)), m_methods(methods),
      m_settings(settings), m_logs(settings, m_paths.ownLog, m_paths.demoLog),
      m_experiments(m_paths.log, m_calls.experiments), m_devices(m_paths.deviceList),
      m_knownHostsFile(m_devices.knownHostsFile()),
      m_jobs(m_paths.ownLog.empty() ? m_paths.log : m_paths.ownLog, m_queue) {
  connect(&m_opening, &LatestTask::done, this, [this](const std::any& answer) {
    m_model = std::any_cast<const workflow::Inspection&>(answer);
    m_modelPath = std::exchange(m_openingPath, {});
    rememberModel(toQString(m_modelPath));
    emit modelChanged();
  });
  connect(&m_opening, &LatestTask::failed, this, [this](const QString& error) {
    const std::filesystem::path path = std::exchange(m_openingPath, {});
    if (!base::pathExists(path))
      forgetRecentModel(toQString(path));
    emit modelFailed(toQString(path), error);
  });
  connect(&m_openingLog, &LatestTask::done, this, [this](const std::any& answer) {
    m_paths.log = std::exchange(m_nextLog, {});
    m_logs.remember(m_paths.log);
    m_experiments.setLog(m_paths.log, std::any_cast<const ExperimentStore::Rows&>(answer));
    emit logChanged();
  });
  connect(&m_openingLog, &LatestTask::failed, this, [this](const QString& error) {
    const std::filesystem::path path = std::exchange(m_nextLog, {});
    m_logs.forget(path);
    emit logFailed(toQString(path), error);
  });
  connect(&m_queue, &JobQueue::ended, this, &Session::onJobEnded);
  connect(&m_jobs, &JobStore::failed, this, &Session::message);
}

Session::~Session() = default;

workflow::Services Session::services() const {
  workflow::Services services;
  services.methods = &m_methods;
  services.log = m_paths.log;
  services.resources = m_paths.resources;
  services.runner = m_paths.runner;
  return services;
}

void Session::openModel(const std::filesystem::path& path) {
  m_openingPath = path;
  emit modelOpening(toQString(path));
  m_opening.start([inspect = m_calls.inspect, path](const std::stop_token& stop) -> std::any {
    return inspect(path, stop);
  });
}

void Session::openLog(const std::filesystem::path& path) {
  if (path == m_paths.log && !isOpeningLog())
    return;
  m_nextLog = path;
  // The user's own log is created by the first run. Any other log must exist; opening does not create it.
  m_openingLog.start([read = m_calls.experiments, path,
                      mayBeNew = m_logs.isOwn(path)](const std::stop_token& stop) -> std::any {
    if (!mayBeNew && !base::fileExists(path))
      throw base::Error(base::ErrorCode::NotFound,
                        "'" + path.string() + "': there is no such experiment log");
    return read(path, stop);
  });
}

QString Session::modelName() const { return modelNameOf(m_modelPath); }

QStringList Session::recentModels() const { return m_settings.value(kRecentKey).toStringList(); }

void Session::forgetRecentModel(const QString& path) {
  QStringList recent = recentModels();
  recent.removeAll(path);
  m_settings.setValue(kRecentKey, recent);
  emit recentModelsChanged();
}

void Session::rememberModel(const QString& path) {
  QStringList recent = recentModels();
  recent.removeAll(path);
  recent.prepend(path);
  m_settings.setValue(kRecentKey, recent.mid(0, kRecentModels));
  emit recentModelsChanged();
}

JobId Session::add(JobSpec spec, const QString& title, std::optional<JobId> after) {
  spec.title = title;
  spec.after = after;
  return m_queue.add(std::move(spec));
}

JobId Session::quantize(const workflow::QuantizeRequest& request, const FollowUps& then) {
  const QString recipe = toQString(std::string_view(request.recipe.name));
  const QString name =
      tr("%1, %2").arg(modelNameOf(request.model), recipe.isEmpty() ? tr("own recipe") : recipe);
  // The hash is kept because the folder may contain another artifact when a following job is retried.
  const auto made = std::make_shared<std::string>();
  const JobId id = add(specFor(request, services(), made), tr("Quantize %1").arg(name));
  if (then.evaluate) {
    workflow::EvaluateRequest evaluation = *then.evaluate;
    evaluation.artifact = request.out;
    add(specFor(evaluation, services(), made), evaluateTitle(name), id);
  }
  if (then.benchmark)
    add(specFor(workflow::BenchmarkRequest{request.out, {}, {}}, services(), made), benchmarkTitle(name), id);
  return id;
}

JobId Session::measureSensitivity(const workflow::SensitivityRequest& request) {
  return add(specFor(request, services()), tr("Measure the layers of %1").arg(modelNameOf(request.model)));
}

JobId Session::evaluate(const workflow::EvaluateRequest& request, const QString& name) {
  return add(specFor(request, services()), evaluateTitle(name));
}

JobId Session::benchmark(const workflow::BenchmarkRequest& request, const QString& name) {
  return add(specFor(request, services()), benchmarkTitle(name));
}

JobId Session::exportModel(const workflow::ExportRequest& request, const QString& name) {
  return add(specFor(request, services()), tr("Export %1 as GGUF").arg(name));
}

workflow::DeviceAccess Session::accessTo(const devices::Device& device, const std::stop_token& stop) {
  return {device, m_knownHostsFile,
          [this, &stop](const devices::HostKey& key) { return m_hostKeys.ask(key, stop); }};
}

JobId Session::deploy(const workflow::DeployRequest& request, const QString& name) {
  return add(specFor(request, services()),
             tr("Deploy %1 to %2").arg(name, toQString(std::string_view(request.access.device.name))));
}

JobId Session::probe(const devices::Device& device) {
  JobSpec spec;
  spec.kind = JobKind::Probe;
  spec.startImmediately = true;
  spec.function = [this, device](const std::stop_token& stop, base::Progress& progress) -> std::any {
    progress.report(0, "connecting");
    return ProbedDevice{toQString(std::string_view(device.name)),
                        m_calls.probe(accessTo(device, stop), stop)};
  };
  return add(std::move(spec), tr("Test the connection to %1").arg(toQString(std::string_view(device.name))));
}

JobId Session::rollBack(const devices::Device& device, const std::string& version, const QString& name) {
  JobSpec spec;
  spec.kind = JobKind::RollBack;
  spec.startImmediately = true;
  spec.function = [this, device, version, services = services()](const std::stop_token& stop,
                                                                 base::Progress& progress) -> std::any {
    progress.report(0, "connecting");
    return m_calls.rollBack(accessTo(device, stop), version, services, stop);
  };
  return add(std::move(spec), tr("Roll %1 back to %2").arg(toQString(std::string_view(device.name)), name));
}

JobId Session::deleteArtifactFiles(const workflow::DeleteRequest& request, const QString& name) {
  JobSpec spec;
  spec.kind = JobKind::DeleteFiles;
  spec.function = [call = m_calls.deleteFiles, request,
                   services = services()](const std::stop_token& stop, base::Progress& progress) -> std::any {
    progress.report(0, "comparing the files with what was written");
    return call(request, services, stop);
  };
  return add(std::move(spec), tr("Delete the files of %1").arg(name));
}

void Session::onJobEnded(JobId id) {
  const Job* job = m_queue.job(id);
  if (const auto* probed = job ? std::any_cast<ProbedDevice>(&job->result) : nullptr)
    m_devices.setProbe(probed->name, probed->probe);
  if (const auto* made = job ? std::any_cast<workflow::QuantizeResult>(&job->result) : nullptr)
    keepIdentity(id, made->sha256);
  m_experiments.refresh();
}

} // namespace nibblesmith::ui
