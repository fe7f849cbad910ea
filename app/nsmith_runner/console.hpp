// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"

#include <chrono>
#include <string>

namespace nibblesmith::runner {

/// Progress as lines "progress <fraction> <stage>" on standard error, for the calling program: at most ten
/// per second, and one for every new stage.
class ProgressLines final : public base::Progress {
public:
  explicit ProgressLines(bool enabled) : m_enabled(enabled) {}
  void report(double fraction, std::string_view stage) override;

private:
  bool m_enabled;
  std::chrono::steady_clock::time_point m_last;
  std::string m_stage;
};

} // namespace nibblesmith::runner
