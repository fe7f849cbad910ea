// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>
#include <thread>

namespace nibblesmith {

/// Converts SIGINT, SIGTERM and SIGHUP to a stop request. A second signal ends the program at once, as it
/// would without this object, whatever the program is doing. Signals that were ignored before (nohup) stay
/// ignored. At most one object per program at a time.
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
  int m_event; ///< eventfd by which the signal handler wakes the watcher
  std::jthread m_watcher;
};

/// Ignores SIGXFSZ, so that a write beyond the limit of a file's size (ulimit -f) fails with an error instead
/// of ending the program. Programs that are started afterwards inherit this.
void ignoreFileSizeSignal();

} // namespace nibblesmith
