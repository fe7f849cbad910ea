// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"

#include <chrono>
#include <string>

namespace nibblesmith::nsmith {

/// Progress on standard error: one updated line on a terminal, occasional lines otherwise.
class ConsoleProgress final : public base::Progress {
public:
  explicit ConsoleProgress(bool quiet);
  ~ConsoleProgress() override;
  void report(double fraction, std::string_view stage) override;
  /// Ends the line, so other output can follow.
  void clear();

private:
  bool m_quiet;
  bool m_terminal;
  bool m_lineOpen = false;
  base::TimeEstimate m_time;
  std::chrono::steady_clock::time_point m_last{};
};

} // namespace nibblesmith::nsmith
