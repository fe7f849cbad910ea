// SPDX-License-Identifier: Apache-2.0
#include "workflow/logged_run.hpp"

#include "base/error.hpp"

namespace nibblesmith::workflow {

using experiments::RunStatus;

void LoggedRun::metric(const std::string& name, double value, const std::string& unit) {
  if (m_log)
    m_log->addMetric(m_id, name, value, unit);
}

void LoggedRun::samples(const std::string& metric, std::span<const double> values) {
  if (m_log)
    m_log->addSamples(m_id, metric, values);
}

void LoggedRun::context(const base::Json& known) {
  if (m_log)
    m_log->addContext(m_id, known);
}

void LoggedRun::artifact(experiments::RowId artifact) {
  if (m_log)
    m_log->setArtifact(m_id, artifact);
}

namespace {

/// Ends a run whose work failed. If the log fails too (a full disk), the original error is reported; the run
/// is marked as interrupted when the log is opened the next time.
void finishFailed(experiments::ExperimentLog& log, experiments::RowId run, RunStatus status,
                  const std::string& error) {
  try {
    log.finishRun(run, status, error);
  } catch (const base::Error&) {
  }
}

} // namespace

void withLoggedRun(const Services& services, const RunStart& start, const std::stop_token& stop,
                   const std::function<void(LoggedRun&)>& work) {
  LoggedRun run;
  if (services.log.empty()) {
    work(run);
    return;
  }
  experiments::ExperimentLog log(services.log, stop);
  log.check();
  run.m_log = &log;
  run.m_id = log.startRun(start.kind, log.artifactOfHash(start.expectedHash), start.device, start.context);
  try {
    work(run);
  } catch (const base::Cancelled&) {
    finishFailed(log, run.m_id, RunStatus::Cancelled, {});
    throw;
  } catch (const std::exception& failure) {
    finishFailed(log, run.m_id, RunStatus::Failed, failure.what());
    throw;
  } catch (...) {
    finishFailed(log, run.m_id, RunStatus::Failed, "an unknown error");
    throw;
  }
  log.finishRun(run.m_id, RunStatus::Finished);
}

} // namespace nibblesmith::workflow
