// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include "base/foreign_text.hpp"
#include "base/units.hpp"
#include "output.hpp"

#include <unistd.h>

namespace nibblesmith::nsmith {

namespace {
constexpr size_t kStageBytes = 80; ///< fits the line into a terminal
}

ConsoleProgress::ConsoleProgress(bool quiet) : m_quiet(quiet), m_terminal(::isatty(STDERR_FILENO) != 0) {}

ConsoleProgress::~ConsoleProgress() { clear(); }

void ConsoleProgress::report(double fraction, std::string_view stage) {
  if (m_quiet)
    return;
  if (fraction >= 1) {
    clear(); // the result is printed next
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  const auto pause = m_terminal ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
  if (m_last != std::chrono::steady_clock::time_point{} && now - m_last < pause)
    return;
  m_last = now;
  const auto remaining = m_time.remainingSeconds(fraction);
  const std::string left = remaining ? "  (" + base::formatDuration(*remaining) + " left)" : "";
  printError(m_terminal ? "\r\033[K{} %  {}{}" : "{} %  {}{}\n",
             {static_cast<int>(fraction * 100), base::foreignText(stage, kStageBytes), left});
  m_lineOpen = m_terminal;
}

void ConsoleProgress::clear() {
  if (m_lineOpen)
    printError("\r\033[K");
  m_lineOpen = false;
}

} // namespace nibblesmith::nsmith
