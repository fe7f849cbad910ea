// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/experiment_log.hpp"
#include "workflow/services.hpp"

#include <functional>
#include <span>
#include <string>

namespace nibblesmith::workflow {

/// A run as far as it is known when it starts.
struct RunStart {
  experiments::RunKind kind = experiments::RunKind::Quantize;
  std::string device; ///< "" is this machine
  base::Json context; ///< what was asked for
  /// Identity of the log row that the caller chose; the run belongs to it from the start. Empty: none.
  std::string expectedHash = {};
};

/// One run's row in the log while it is being made; does nothing where there is no log.
class LoggedRun {
public:
  void metric(const std::string& name, double value, const std::string& unit);
  void samples(const std::string& metric, std::span<const double> values);
  void context(const base::Json& known); ///< what is only known once the run is under way
  void artifact(experiments::RowId artifact);
  experiments::ExperimentLog* log() { return m_log; }

private:
  friend void withLoggedRun(const Services&, const RunStart&, const std::function<void(LoggedRun&)>&);
  experiments::ExperimentLog* m_log = nullptr;
  experiments::RowId m_id = 0;
};

/// Starts a run, calls work, and ends the run as finished, failed (with the message) or cancelled. The log is
/// opened, checked and written to before the work: one that is locked, damaged or on a full disk is told
/// while nothing is lost. Exceptions go on to the caller. An artifact is named by work as soon as it is
/// known.
void withLoggedRun(const Services& services, const RunStart& start,
                   const std::function<void(LoggedRun&)>& work);

} // namespace nibblesmith::workflow
