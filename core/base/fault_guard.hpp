// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace nibblesmith::base {

/// Keeps the program alive where a mapped file is cut short by another program, or its disk fails. A read of
/// a mapping behind the file's end raises SIGBUS, in whatever thread and library that read happens. The
/// handler, installed for the whole process with the first guard, maps zeros over the rest of a guarded
/// mapping and notes the fault; faults elsewhere go to the handler that was there before. So such a read
/// gives zeros: whoever read from the mapping asks faulted() before a result is used. Any thread.
class FaultGuard {
public:
  /// A mapping of `size` bytes from the beginning of a page, which outlives the guard.
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
