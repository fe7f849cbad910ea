// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// Limits on the resources that one call may spend on an untrusted file.
struct BudgetLimits {
  /// Memory in use at one time, counting only memory whose size the file controls.
  uint64_t bytes = 0;
  uint64_t steps = 0; ///< units of work, a few nanoseconds each
  double seconds = 0; ///< CPU time of the calling thread
};

/// Counter for the memory and work of one call. Throws once a limit is exceeded, and polls the stop token.
/// Code whose loop length depends on a file calls step() in the loop and hold() before allocating. The limits
/// on steps and bytes are reached at the same point on every machine; the one on seconds covers work that
/// cannot be counted. Use from one thread.
class Budget {
public:
  /// Creates a budget. origin: name of the file, for messages.
  Budget(std::string origin, const BudgetLimits& limits, std::stop_token stop = {});

  /// Adds work that was done. field: part of the file that causes it. Throws Error{NotSupported} with origin,
  /// field, limit and actual value; Cancelled.
  void step(uint64_t count, std::string_view field) {
    m_steps += count;
    if (m_steps >= m_nextLook)
      look(field);
  }
  /// Adds memory that is about to be allocated. Throws like step().
  void hold(uint64_t bytes, std::string_view field) {
    if (bytes > m_limits.bytes - m_bytes)
      refuseBytes(bytes, field);
    m_bytes += bytes;
  }
  void release(uint64_t bytes) { m_bytes -= bytes; }

  uint64_t steps() const { return m_steps; }
  uint64_t bytes() const { return m_bytes; }
  const std::string& origin() const { return m_origin; }
  const std::stop_token& stop() const { return m_stop; }

private:
  void look(std::string_view field);
  [[noreturn]] void refuseBytes(uint64_t bytes, std::string_view field) const;

  std::string m_origin;
  BudgetLimits m_limits;
  std::stop_token m_stop;
  double m_begin; ///< CPU time of this thread at construction, in seconds
  uint64_t m_steps = 0;
  uint64_t m_nextLook = 0;
  uint64_t m_bytes = 0;
};

/// RAII wrapper: releases the memory it has added to a budget when it is destroyed.
class BudgetHold {
public:
  explicit BudgetHold(Budget& budget) : m_budget(budget) {}
  ~BudgetHold() { m_budget.release(m_bytes); }
  BudgetHold(const BudgetHold&) = delete;
  BudgetHold& operator=(const BudgetHold&) = delete;

  void add(uint64_t bytes, std::string_view field) {
    m_budget.hold(bytes, field);
    m_bytes += bytes;
  }

private:
  Budget& m_budget;
  uint64_t m_bytes = 0;
};

/// Throws Error{NotSupported}: "<where>: expected at most <limit> <unit>, found <found>: use the file as its
/// authors published it". `where`: file and field.
[[noreturn]] void throwOverLimit(std::string_view where, uint64_t limit, std::string_view unit,
                                 std::string_view found);
/// Calls throwOverLimit() if `found` exceeds the limit.
void checkLimit(uint64_t found, uint64_t limit, std::string_view unit, std::string_view where);

} // namespace nibblesmith::base
