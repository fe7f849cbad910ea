// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace nibblesmith::devices {

/// Bounds blocking calls on a socket: shuts the socket down shortly after a stop was requested, or when
/// `limit` passes without touch(). The blocked call then fails at once. A caller that looks at the stop
/// itself gets a quarter of a second to end in good order.
class Watchdog {
public:
  Watchdog(int socket, const std::stop_token& stop, std::chrono::milliseconds limit);

  /// The call is getting on: the limit starts anew.
  void touch();
  /// Whether the limit passed.
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
