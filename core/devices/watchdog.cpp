// SPDX-License-Identifier: Apache-2.0
#include "devices/watchdog.hpp"

#include <functional>

#include <sys/socket.h>

namespace nibblesmith::devices {

namespace {
constexpr std::chrono::milliseconds kGrace{250};
}

Watchdog::Watchdog(int socket, const std::stop_token& stop, std::chrono::milliseconds limit)
    : m_socket(socket), m_limit(limit), m_deadline(std::chrono::steady_clock::now() + limit),
      m_thread([this, stop](const std::stop_token& end) { watch(end, stop); }) {}

void Watchdog::touch() {
  const std::lock_guard lock(m_mutex);
  m_deadline = std::chrono::steady_clock::now() + m_limit;
}

void Watchdog::watch(const std::stop_token& end, const std::stop_token& stop) {
  // Declared before the lock and destroyed after it: the destructor may wait for a callback that needs the
  // lock.
  const std::stop_callback wake(stop, [this] {
    const std::lock_guard lock(m_mutex);
    m_wake.notify_all();
  });
  std::unique_lock lock(m_mutex);
  while (!end.stop_requested()) {
    if (stop.stop_requested()) {
      m_wake.wait_for(lock, end, kGrace, [] { return false; });
      if (!end.stop_requested())
        ::shutdown(m_socket, SHUT_RDWR);
      return;
    }
    if (std::chrono::steady_clock::now() >= m_deadline) {
      m_expired = true;
      ::shutdown(m_socket, SHUT_RDWR);
      return;
    }
    m_wake.wait_until(lock, end, m_deadline, [&] { return stop.stop_requested(); });
  }
}

} // namespace nibblesmith::devices
