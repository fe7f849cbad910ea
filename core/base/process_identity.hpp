// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace nibblesmith::base {

/// Identity of a process, to check later if it still runs. A process id alone may be reused.
struct ProcessIdentity {
  std::string host; ///< host name
  std::string boot; ///< kernel's boot id
  int64_t pid = 0;
  int64_t startTime = 0; ///< clock ticks since boot, from /proc/PID/stat

  bool operator==(const ProcessIdentity&) const = default;
};

ProcessIdentity thisProcess();

/// Returns true if the process has certainly ended. Processes on other hosts count as running.
bool hasEnded(const ProcessIdentity& process);

} // namespace nibblesmith::base
