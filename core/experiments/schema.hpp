// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/sqlite.hpp"

namespace nibblesmith::experiments {

/// The version this program writes (user_version); each is one migration from the version before.
inline constexpr int kSchemaVersion = 2;
/// SQLite's application_id of an experiment log: "Nibl".
inline constexpr int64_t kApplicationId = 0x4E69626C;

/// Brings an empty file or an older log to kSchemaVersion, all or nothing; may be called by several processes
/// at once. Throws base::Error{Corrupt} for a database of another program and {NotSupported} for a log of a
/// newer version of this one: nothing is written then.
void migrate(Connection& connection);

} // namespace nibblesmith::experiments
