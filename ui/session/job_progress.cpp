// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/job_progress.hpp"

#include "ui/session/text.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::ui {

namespace {
constexpr auto kShortestPause = std::chrono::milliseconds(34);
constexpr double kSmallestStep = 0.001;
} // namespace

void JobProgress::report(double fraction, std::string_view stage) {
  double reached = m_fraction.load(std::memory_order_relaxed);
  if (std::isfinite(fraction)) {
    reached = std::max(reached, std::clamp(fraction, 0.0, 1.0));
    m_fraction.store(reached, std::memory_order_relaxed);
  }
  if (m_stage != stage) {
    const std::lock_guard lock(m_mutex);
    m_stage = stage;
    m_hasNewStage = true;
  }
  if (!m_hasNewStage && reached - m_toldFraction < kSmallestStep)
    return;
  const auto now = std::chrono::steady_clock::now();
  if (now - m_toldAt < kShortestPause)
    return;
  m_toldAt = now;
  m_toldFraction = reached;
  m_hasNewStage = false;
  m_notify();
}

JobProgress::Snapshot JobProgress::latest() const {
  const std::lock_guard lock(m_mutex);
  return {m_fraction.load(std::memory_order_relaxed), toQString(std::string_view(m_stage))};
}

} // namespace nibblesmith::ui
