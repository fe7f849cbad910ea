// SPDX-License-Identifier: Apache-2.0
#include "base/budget.hpp"

#include <algorithm>
#include <ctime>

namespace nibblesmith::base {

namespace {

// Steps between two checks of the clock and the stop token: well below a millisecond.
constexpr uint64_t kStepsBetweenLooks = uint64_t{1} << 16;

// CPU time: not used up by a busy or suspended machine.
double threadSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

} // namespace

Budget::Budget(std::string origin, const BudgetLimits& limits, std::stop_token stop)
    : m_origin(std::move(origin)), m_limits(limits), m_stop(std::move(stop)), m_begin(threadSeconds()) {}

void Budget::look(std::string_view field) {
  throwIfStopped(m_stop);
  const auto where = [&] { return m_origin + ": " + std::string(field); };
  if (m_steps > m_limits.steps)
    throwOverLimit(where(), m_limits.steps, "steps of work", "more");
  if (threadSeconds() - m_begin > m_limits.seconds)
    throwOverLimit(where(), static_cast<uint64_t>(m_limits.seconds), "seconds of work", "more");
  m_nextLook = std::min(m_steps + kStepsBetweenLooks, m_limits.steps + 1);
}

void Budget::refuseBytes(uint64_t bytes, std::string_view field) const {
  throwOverLimit(m_origin + ": " + std::string(field), m_limits.bytes, "bytes of memory",
                 std::to_string(m_bytes + bytes));
}

void throwOverLimit(std::string_view where, uint64_t limit, std::string_view unit, std::string_view found) {
  throw Error(ErrorCode::NotSupported, std::string(where) + ": expected at most " + std::to_string(limit) +
                                           " " + std::string(unit) + ", found " + std::string(found) +
                                           ": use the file as its authors published it");
}

void checkLimit(uint64_t found, uint64_t limit, std::string_view unit, std::string_view where) {
  if (found > limit)
    throwOverLimit(where, limit, unit, std::to_string(found));
}

} // namespace nibblesmith::base
