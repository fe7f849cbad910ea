// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace nibblesmith::devices {

/// Time limit for blocking calls on a socket. Shuts the socket down shortly after a stop request, or if
/// `limit` passes without touch(); the blocked call then fails at once. A caller that checks the stop token
/// itself has a quarter of a second to end cleanly.
class Watchdog {
public:
  Watchdog(int socket, const std::stop_token& stop, std::chrono::milliseconds limit);

  /// Restarts the limit, because the call made progress.
  void touch();
  /// True if the limit has passed.
  bool expired() const { return m_expired; }
  std::chrono::milliseconds limit() const { return m_limit; }

private:
  void watch(const std::stop_token& end, const std::stop_token& stop);

  int m_socket;
  std::chrono::milliseconds m_limit;
  std::mutex m_mutex;
  std::condition_variable_any m_wake;
  std::chrono::steady_clock::time_point m_deadline;
  std::atomic<bool> m_expired = false;
  std::jthread m_thread;
};

} // namespace nibblesmith::devices
