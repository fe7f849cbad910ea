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
  {
    const std::lock_guard lock(m_mutex);
    if (std::isfinite(fraction))
      m_fraction = std::max(m_fraction, std::clamp(fraction, 0.0, 1.0));
    if (m_stage != stage)
      m_stage = stage;
    const auto now = std::chrono::steady_clock::now();
    const bool isNews = m_fraction - m_toldFraction >= kSmallestStep || m_stage != m_toldStage;
    if (!isNews || now - m_toldAt < kShortestPause)
      return;
    m_toldAt = now;
    m_toldFraction = m_fraction;
    m_toldStage = m_stage;
  }
  m_notify();
}

JobProgress::Snapshot JobProgress::latest() const {
  const std::lock_guard lock(m_mutex);
  return {m_fraction, toQString(std::string_view(m_stage))};
}

} // namespace nibblesmith::ui
