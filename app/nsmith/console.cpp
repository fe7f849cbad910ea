// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include "base/units.hpp"

#include <cstdio>

#include <unistd.h>

namespace nibblesmith::nsmith {

ConsoleProgress::ConsoleProgress(bool quiet) : m_quiet(quiet), m_terminal(::isatty(STDERR_FILENO) != 0) {}

ConsoleProgress::~ConsoleProgress() { clear(); }

void ConsoleProgress::report(double fraction, std::string_view stage) {
  if (m_quiet)
    return;
  if (fraction >= 1) {
    clear(); // the result comes next
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  const auto pause = m_terminal ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
  if (m_last != std::chrono::steady_clock::time_point{} && now - m_last < pause)
    return;
  m_last = now;
  std::string text = std::to_string(static_cast<int>(fraction * 100)) + " %  " + std::string(stage);
  if (const auto remaining = m_time.remainingSeconds(fraction))
    text += "  (" + base::formatDuration(*remaining) + " left)";
  if (m_terminal) {
    std::fprintf(stderr, "\r\033[K%s", text.substr(0, 110).c_str());
    std::fflush(stderr);
    m_lineOpen = true;
  } else {
    std::fprintf(stderr, "%s\n", text.c_str());
  }
}

void ConsoleProgress::clear() {
  if (m_lineOpen)
    std::fputs("\r\033[K", stderr);
  m_lineOpen = false;
}

} // namespace nibblesmith::nsmith
