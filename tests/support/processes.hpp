// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <csignal>
#include <functional>

#include <QtTest>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nibblesmith::test {

/// Runs `work` in a child process; its exit status is 0 if `work` ends without an exception.
inline pid_t inChild(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child != 0)
    return child;
  int status = 1;
  try {
    work();
    status = 0;
  } catch (const std::exception& error) {
    qWarning("child: %s", error.what());
  }
  ::_exit(status);
}

/// Waits for a child. Returns its exit status, or 128 plus the signal number.
inline int statusOf(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Barrier that lets one process wait until another has reached a point.
class Gate {
public:
  Gate() {
    if (::pipe(m_ends.data()) != 0)
      qFatal("no pipe");
  }
  ~Gate() {
    ::close(m_ends[0]);
    ::close(m_ends[1]);
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  void open() const {
    if (::write(m_ends[1], "x", 1) != 1)
      qFatal("the gate is broken");
  }
  void wait() const {
    char byte = 0;
    pollfd end{m_ends[0], POLLIN, 0};
    if (::poll(&end, 1, 60'000) != 1 || ::read(m_ends[0], &byte, 1) != 1)
      qFatal("the other process did not come to its point");
  }

private:
  std::array<int, 2> m_ends{};
};

} // namespace nibblesmith::test
