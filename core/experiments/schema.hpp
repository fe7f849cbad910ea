// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/sqlite.hpp"

namespace nibblesmith::experiments {

/// Schema version that this program writes (user_version); one migration leads to each version from the
/// previous one.
inline constexpr int kSchemaVersion = 2;
/// SQLite application_id of an experiment log: "Nibl".
inline constexpr int64_t kApplicationId = 0x4E69626C;

/// Migrates an empty file or an older log to kSchemaVersion, completely or not at all. Several processes may
/// call this at once. Throws base::Error{Corrupt} for a database of another program and for one with other
/// tables, views or triggers than its schema version has; {NotSupported} for a log of a newer version of this
/// program. Nothing is written then.
void migrate(Connection& connection);

} // namespace nibblesmith::experiments
