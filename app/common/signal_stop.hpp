// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>
#include <thread>

namespace nibblesmith {

/// Turns SIGINT, SIGTERM and SIGHUP into a stop request. A second one of them ends the program at once, as it
/// would have without this object, whatever the program is doing. Signals that were ignored before (nohup)
/// stay ignored. One object per program at a time.
class SignalStop {
public:
  SignalStop();
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;

  std::stop_token token() const { return m_source.get_token(); }

private:
  void watch(const std::stop_token& ended);

  std::stop_source m_source;
  int m_event; ///< eventfd that the signal handler wakes the watcher with
  std::jthread m_watcher;
};

} // namespace nibblesmith
