// SPDX-License-Identifier: GPL-3.0-or-later
// Job functions of the session, built from requests that are new or were stored by an earlier program start.
#include "ui/session/session.hpp"

#include "base/error.hpp"
#include "ui/session/text.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/deploy.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/export.hpp"
#include "workflow/quantize.hpp"
#include "workflow/request_json.hpp"
#include "workflow/sensitivity.hpp"

#include <map>

namespace nibblesmith::ui {

namespace {

/// Adds the log that the job writes to; a later program start may have another one open.
base::Json keptRequest(base::Json request, const workflow::Services& services) {
  request["log"] = services.log.string();
  return request;
}

/// Returns the spec of a call on the artifact that a preceding job made; expects that artifact's identity.
template <typename Result, typename Request>
JobSpec specFollowing(const Session::SharedArtifactHash& made, JobKind kind,
                      const WorkflowCalls::Call<Result, Request>& call, const Request& request,
                      const workflow::Services& services) {
  JobSpec spec;
  spec.kind = kind;
  spec.request = keptRequest(workflow::toJson(request), services);
  spec.function = [call, request, made, services](const std::stop_token& stop,
                                                  base::Progress& progress) -> std::any {
    Request exact = request;
    if (made && !made->empty())
      exact.expectedHash = *made;
    return call(exact, services, stop, progress);
  };
  return spec;
}

template <typename Result, typename Request>
JobSpec specOf(JobKind kind, const WorkflowCalls::Call<Result, Request>& call, const Request& request,
               const workflow::Services& services) {
  JobSpec spec;
  spec.kind = kind;
  spec.request = keptRequest(workflow::toJson(request), services);
  spec.function = [call, request, services](const std::stop_token& stop,
                                            base::Progress& progress) -> std::any {
    return call(request, services, stop, progress);
  };
  return spec;
}

} // namespace

JobSpec Session::specFor(const workflow::QuantizeRequest& request, const workflow::Services& services,
                         const SharedArtifactHash& made) const {
  JobSpec spec;
  spec.kind = JobKind::Quantize;
  spec.request = keptRequest(workflow::toJson(request), services);
  spec.function = [call = m_calls.quantize, request, made, services](const std::stop_token& stop,
                                                                     base::Progress& progress) -> std::any {
    workflow::QuantizeResult result = call(request, services, stop, progress);
    *made = result.sha256;
    return result;
  };
  return spec;
}

JobSpec Session::specFor(const workflow::EvaluateRequest& request, const workflow::Services& services,
                         const SharedArtifactHash& made) const {
  return specFollowing(made, JobKind::Evaluate, m_calls.evaluate, request, services);
}

JobSpec Session::specFor(const workflow::BenchmarkRequest& request, const workflow::Services& services,
                         const SharedArtifactHash& made) const {
  return specFollowing(made, JobKind::Benchmark, m_calls.benchmark, request, services);
}

JobSpec Session::specFor(const workflow::ExportRequest& request, const workflow::Services& services) const {
  return specOf(JobKind::Export, m_calls.exportModel, request, services);
}

JobSpec Session::specFor(const workflow::SensitivityRequest& request,
                         const workflow::Services& services) const {
  JobSpec spec;
  spec.kind = JobKind::Sensitivity;
  spec.request = keptRequest(workflow::toJson(request), services);
  spec.function = [call = m_calls.sensitivity, request, services](const std::stop_token& stop,
                                                                  base::Progress& progress) -> std::any {
    return MeasuredSensitivity{request.model, call(request, services, stop, progress)};
  };
  return spec;
}

JobSpec Session::specFor(const workflow::DeployRequest& request, const workflow::Services& services) {
  JobSpec spec;
  spec.kind = JobKind::Deploy;
  spec.request = keptRequest(workflow::toJson(request), services);
  spec.function = [this, request, services](const std::stop_token& stop,
                                            base::Progress& progress) -> std::any {
    workflow::DeployRequest asking = request;
    asking.access = accessTo(request.access.device, stop);
    return m_calls.deploy(asking, services, stop, progress);
  };
  return spec;
}

JobSpec Session::specFor(const UnfinishedJob& job, const SharedArtifactHash& made) {
  const std::string origin = "the job '" + job.title.toStdString() + "'";
  workflow::Services services = this->services();
  services.log = base::optional<std::string>(job.request, "log", services.log.string(), origin);
  switch (job.kind) {
  case JobKind::Quantize:
    return specFor(workflow::quantizeRequestFromJson(job.request, origin), services, made);
  case JobKind::Sensitivity:
    return specFor(workflow::sensitivityRequestFromJson(job.request, origin), services);
  case JobKind::Evaluate:
    return specFor(workflow::evaluateRequestFromJson(job.request, origin), services, made);
  case JobKind::Benchmark:
    return specFor(workflow::benchmarkRequestFromJson(job.request, origin), services, made);
  case JobKind::Export:
    return specFor(workflow::exportRequestFromJson(job.request, origin), services);
  case JobKind::Deploy: {
    workflow::DeployRequest request = workflow::deployRequestFromJson(job.request, origin);
    const std::string& name = request.access.device.name;
    const auto device = m_devices.device(toQString(std::string_view(name)));
    if (!device)
      throw base::Error(base::ErrorCode::NotFound,
                        origin + ": expected the device '" + name +
                            "', found none of this name; add it, and deploy again");
    request.access.device = *device;
    return specFor(request, services);
  }
  case JobKind::Probe:
  case JobKind::RollBack:
  case JobKind::DeleteFiles:
    break;
  }
  throw base::Error(base::ErrorCode::Corrupt, origin + ": expected a kind that can be resumed");
}

void Session::keepIdentity(JobId quantized, const std::string& sha256) {
  for (const JobId id : m_queue.ids()) {
    const Job* job = m_queue.job(id);
    if (job->after != quantized || !job->request.contains("expectedHash"))
      continue;
    base::Json request = job->request;
    request["expectedHash"] = sha256;
    m_queue.setRequest(id, std::move(request));
  }
}

void Session::resumeUnfinished() {
  const std::vector<UnfinishedJob> jobs = m_jobs.unfinished();
  std::map<JobId, JobId> ids; // id in the earlier program to id in this one
  std::map<JobId, SharedArtifactHash> made;
  for (const UnfinishedJob& job : jobs) {
    const auto maker = job.after ? made.find(*job.after) : made.end();
    const SharedArtifactHash hash = maker == made.end() ? std::make_shared<std::string>() : maker->second;
    if (job.kind == JobKind::Quantize)
      made[job.id] = hash;
    JobSpec spec;
    try {
      spec = specFor(job, hash);
    } catch (const base::Error& error) {
      spec.kind = job.kind;
      spec.function = [error](const std::stop_token&, base::Progress&) -> std::any { throw error; };
    }
    const auto before = job.after ? ids.find(*job.after) : ids.end();
    ids[job.id] =
        add(std::move(spec), job.title, before == ids.end() ? std::nullopt : std::optional(before->second));
  }
  m_jobs.forgetUnfinished();
}

} // namespace nibblesmith::ui
