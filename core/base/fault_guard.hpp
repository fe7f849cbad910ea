// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace nibblesmith::base {

/// Guard for a memory-mapped file, which keeps the process alive if another program truncates the file or the
/// disk fails. Reading a mapping past the file's end raises SIGBUS, in any thread or library. The handler,
/// installed process-wide with the first guard, maps zeros over the rest of a guarded mapping and records the
/// fault. Other faults go to the previous handler. Such reads therefore return zeros: check faulted() before
/// using a result. Safe for concurrent use.
class FaultGuard {
public:
  /// Guards a mapping of `size` bytes. `begin` is page-aligned. The mapping must outlive the guard.
  FaultGuard(const void* begin, size_t size);
  ~FaultGuard();
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;

  bool faulted() const;

  struct Slot;

private:
  Slot* m_slot;
};

} // namespace nibblesmith::base
