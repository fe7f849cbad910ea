// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace nibblesmith::base {

/// Which process, so that a later one can tell whether it still runs. A number alone would be taken for
/// another process that got the same one later.
struct ProcessIdentity {
  std::string host; ///< the machine's name
  std::string boot; ///< the kernel's id of this boot
  int64_t pid = 0;
  int64_t startTime = 0; ///< clock ticks after the boot, as in /proc/<pid>/stat

  bool operator==(const ProcessIdentity&) const = default;
};

ProcessIdentity thisProcess();

/// True where that process has certainly ended. Processes of another machine are given the benefit of the
/// doubt.
bool hasEnded(const ProcessIdentity& process);

} // namespace nibblesmith::base
