// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/experiment_log.hpp"
#include "experiments/sqlite.hpp"

namespace nibblesmith::experiments {

/// Data that the source files of ExperimentLog share.
struct ExperimentLog::Database {
  Database(const std::filesystem::path& path, const std::stop_token& stop) : connection(path, stop) {}
  mutable Connection connection;

  /// Returns the row of a device; adds one if there is none.
  RowId deviceId(const std::string& name);
  [[noreturn]] void throwNotFound(const std::string& what) const;
};

/// Returns the current time as "2025-01-31T12:00:00Z".
std::string utcNow();

} // namespace nibblesmith::experiments
