// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/experiment_log.hpp"
#include "workflow/services.hpp"

#include <functional>
#include <span>
#include <stop_token>
#include <string>

namespace nibblesmith::workflow {

/// Data of a run that is known when it starts.
struct RunStart {
  experiments::RunKind kind = experiments::RunKind::Quantize;
  std::string device; ///< "" for this machine
  base::Json context; ///< parameters of the request
  /// Identity of the log row that the caller chose; the run belongs to it from the start. Empty: none.
  std::string expectedHash = {};
};

/// Row of a running run in the log; does nothing if there is no log.
class LoggedRun {
public:
  void metric(const std::string& name, double value, const std::string& unit);
  void samples(const std::string& metric, std::span<const double> values);
  /// Adds context that is only known while the run works.
  void context(const base::Json& known);
  void artifact(experiments::RowId artifact);
  experiments::ExperimentLog* log() { return m_log; }

private:
  friend void withLoggedRun(const Services&, const RunStart&, const std::stop_token&,
                            const std::function<void(LoggedRun&)>&);
  experiments::ExperimentLog* m_log = nullptr;
  experiments::RowId m_id = 0;
};

/// Starts a run, calls work, and ends the run as finished, failed (with the message) or cancelled. Opens,
/// checks and writes to the log before the work: a log that is locked, damaged or on a full disk is reported
/// before any work is lost. Passes exceptions on to the caller. `work` sets the run's artifact when it is
/// known. stop: also ends long reads of the log with base::Cancelled.
void withLoggedRun(const Services& services, const RunStart& start, const std::stop_token& stop,
                   const std::function<void(LoggedRun&)>& work);

} // namespace nibblesmith::workflow
