// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workflow/artifact_identity.hpp"
#include "workflow/services.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>

namespace nibblesmith::workflow {

/// One run's row in the log while it is being made; does nothing where there is no log.
class LoggedRun {
public:
  void metric(const std::string& name, double value, const std::string& unit);
  void samples(const std::string& metric, std::span<const double> values);
  void context(const base::Json& known); ///< what is only known once the run is under way
  experiments::ExperimentLog* log() { return m_log; }
  experiments::RowId artifact() const { return m_artifact; }

private:
  friend void withLoggedRun(const Services&, experiments::RunKind, const std::filesystem::path&,
                            const std::string&, const base::Json&, const std::stop_token&,
                            const std::function<void(LoggedRun&)>&);
  experiments::ExperimentLog* m_log = nullptr;
  experiments::RowId m_id = 0;
  experiments::RowId m_artifact = 0;
};

/// Starts a run of `artifact` on `device` ("" is this machine), calls work, and ends the run as finished,
/// failed (with the message) or cancelled. Exceptions go on to the caller.
void withLoggedRun(const Services& services, experiments::RunKind kind, const std::filesystem::path& artifact,
                   const std::string& device, const base::Json& context, const std::stop_token& stop,
                   const std::function<void(LoggedRun&)>& work);

} // namespace nibblesmith::workflow
