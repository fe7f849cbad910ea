// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/experiment_log.hpp"
#include "experiments/sqlite.hpp"

namespace nibblesmith::experiments {

/// What the parts of ExperimentLog share.
struct ExperimentLog::Database {
  explicit Database(const std::filesystem::path& path) : connection(path) {}
  mutable Connection connection;

  /// The row of a device, made where there is none.
  RowId deviceId(const std::string& name);
  [[noreturn]] void throwNotFound(const std::string& what) const;
};

/// Now, "2025-01-31T12:00:00Z".
std::string utcNow();

} // namespace nibblesmith::experiments
