// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

namespace nibblesmith::base {

/// What one call may spend on a file from outside.
struct BudgetLimits {
  uint64_t bytes = 0; ///< memory held at one time, of what grows with the file's demands
  uint64_t steps = 0; ///< units of work that take a few nanoseconds each
  double seconds = 0; ///< processor time of the calling thread
};

/// Counts the memory and the work of one call, refuses when a limit is reached, and looks at the stop token
/// on the way. Whoever loops over data in a way that a file decides calls step() in the loop and hold()
/// before allocating. The limits in steps and bytes are reached at the same place on every machine; the one
/// in seconds is for work that cannot be counted. One thread.
class Budget {
public:
  /// `origin`: the file, for messages.
  Budget(std::string origin, const BudgetLimits& limits, std::stop_token stop = {});

  /// Adds work that was done. `field`: the part of the file that asks for it. Throws Error{NotSupported} with
  /// origin, field, limit and what was found; Cancelled.
  void step(uint64_t count, std::string_view field) {
    m_steps += count;
    if (m_steps >= m_nextLook)
      look(field);
  }
  /// Adds memory that is about to be used. Throws as step().
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
  double m_begin; ///< processor time of this thread, in seconds
  uint64_t m_steps = 0;
  uint64_t m_nextLook = 0;
  uint64_t m_bytes = 0;
};

/// Memory that is held as long as the object lives.
class Held {
public:
  explicit Held(Budget& budget) : m_budget(budget) {}
  ~Held() { m_budget.release(m_bytes); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

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
/// Throws so where `found` is above the limit.
void checkLimit(uint64_t found, uint64_t limit, std::string_view unit, std::string_view where);

} // namespace nibblesmith::base
