// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include "base/foreign_text.hpp"

#include <algorithm>
#include <cstdio>

namespace nibblesmith::runner {

void ProgressLines::report(double fraction, std::string_view stage) {
  const auto now = std::chrono::steady_clock::now();
  const bool due = m_stage != stage || fraction >= 1 || now - m_last >= std::chrono::milliseconds(100);
  if (!m_enabled || !due)
    return;
  m_last = now;
  m_stage = stage;
  std::fprintf(stderr, "progress %.4f %s\n", std::clamp(fraction, 0.0, 1.0),
               base::foreignText(stage).c_str());
}

} // namespace nibblesmith::runner
