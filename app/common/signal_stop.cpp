// SPDX-License-Identifier: Apache-2.0
#include "common/signal_stop.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

namespace nibblesmith {

namespace {

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};

// A signal handler can only access globals.
std::atomic<int> s_event{-1};
std::atomic<bool> s_interrupted{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void wake(int event) {
  const uint64_t one = 1;
  // Fails only if the counter is full; the watcher is then awake already.
  [[maybe_unused]] const ssize_t written = ::write(event, &one, sizeof(one));
}

void interrupt(int signal) {
  const int number = errno;
  if (s_interrupted.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal); // delivered when this handler returns
  }
  wake(s_event.load());
  errno = number;
}

/// Uses handlers instead of a mask with sigwait, because libraries start threads before main(), which would
/// not have the mask.
void setHandlers(void (*handler)(int)) {
  for (const int signal : kSignals) {
    struct sigaction current {};
    ::sigaction(signal, nullptr, &current);
    if (current.sa_handler == SIG_IGN)
      continue;
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
}

} // namespace

SignalStop::SignalStop() : m_event(::eventfd(0, EFD_CLOEXEC)) {
  s_interrupted.store(false);
  s_event.store(m_event);
  m_watcher = std::jthread([this](const std::stop_token& ended) { watch(ended); });
  setHandlers(interrupt);
}

SignalStop::~SignalStop() {
  setHandlers(SIG_DFL);
  m_watcher.request_stop();
  wake(m_event);
  m_watcher.join();
  s_event.store(-1);
  ::close(m_event);
}

void SignalStop::watch(const std::stop_token& ended) {
  while (!ended.stop_requested()) {
    uint64_t count = 0;
    if (::read(m_event, &count, sizeof(count)) < 0 && errno != EINTR)
      return;
    if (s_interrupted.load())
      m_source.request_stop();
  }
}

void ignoreFileSizeSignal() { std::signal(SIGXFSZ, SIG_IGN); }

} // namespace nibblesmith
