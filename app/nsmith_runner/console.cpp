// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>

#include <pthread.h>

namespace nibblesmith::runner {

namespace {

sigset_t stopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

} // namespace

void ProgressLines::report(double fraction, std::string_view stage) {
  const auto now = std::chrono::steady_clock::now();
  const bool due = m_stage != stage || fraction >= 1 || now - m_last >= std::chrono::milliseconds(100);
  if (!m_enabled || !due)
    return;
  m_last = now;
  m_stage = stage;
  std::string line(stage);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::fprintf(stderr, "progress %.4f %s\n", std::clamp(fraction, 0.0, 1.0), line.c_str());
}

SignalStop::SignalStop() {
  const sigset_t set = stopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  m_watcher = std::jthread([this](const std::stop_token& ended) {
    const sigset_t signals = stopSignals();
    const timespec pause{0, 50'000'000};
    while (!ended.stop_requested())
      if (sigtimedwait(&signals, nullptr, &pause) > 0)
        m_source.request_stop();
  });
}

} // namespace nibblesmith::runner
