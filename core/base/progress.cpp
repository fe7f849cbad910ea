// SPDX-License-Identifier: Apache-2.0
#include "base/progress.hpp"

#include <algorithm>
#include <utility>

namespace nibblesmith::base {

SubProgress::SubProgress(Progress& parent, double begin, double end, std::string prefix)
    : m_parent(parent), m_begin(begin), m_end(end), m_prefix(std::move(prefix)) {}

void SubProgress::report(double fraction, std::string_view stage) {
  const double inside = std::clamp(fraction, 0.0, 1.0);
  std::string text = m_prefix;
  if (!text.empty() && !stage.empty())
    text += ": ";
  text += stage;
  m_parent.report(m_begin + (m_end - m_begin) * inside, text);
}

void TimeEstimate::start() { m_begin = std::chrono::steady_clock::now(); }

double TimeEstimate::elapsedSeconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_begin).count();
}

std::optional<double> TimeEstimate::remainingSeconds(double fraction) const {
  const double elapsed = elapsedSeconds();
  if (fraction < 0.01 || elapsed < 0.5)
    return std::nullopt;
  return elapsed * (1.0 - fraction) / fraction;
}

} // namespace nibblesmith::base
