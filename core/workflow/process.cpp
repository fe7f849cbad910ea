// SPDX-License-Identifier: Apache-2.0
#include "workflow/process.hpp"

#include "base/error.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nibblesmith::workflow {

namespace {

class Pipe {
public:
  Pipe() {
    if (::pipe2(m_ends.data(), O_CLOEXEC) != 0)
      base::throwErrno("open a pipe for", "a program");
  }
  ~Pipe() {
    closeWriteEnd();
    ::close(m_ends[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int readEnd() const { return m_ends[0]; }
  int writeEnd() const { return m_ends[1]; }
  void closeWriteEnd() {
    if (m_ends[1] >= 0)
      ::close(m_ends[1]);
    m_ends[1] = -1;
  }

private:
  std::array<int, 2> m_ends{};
};

/// Replaces a forked child by the program; writes errno to `failure` if that fails. The child ends with its
/// parent, however that ends. Calls only functions that are safe in the child of a process with threads.
[[noreturn]] void becomeProgram(char* const* arguments, pid_t parent, int output, int errors, int failure) {
  // The calling threads block signals; the program must not inherit that.
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) // ended before the call above
    ::_exit(1);
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (input >= 0 && ::dup2(input, STDIN_FILENO) >= 0 && ::dup2(output, STDOUT_FILENO) >= 0 &&
      ::dup2(errors, STDERR_FILENO) >= 0)
    ::execvp(arguments[0], arguments);
  const int number = errno;
  [[maybe_unused]] const ssize_t written = ::write(failure, &number, sizeof(number));
  ::_exit(1);
}

/// RAII child process: ends with its owner, and with the thread that started it.
class Child {
public:
  Child(const std::vector<std::string>& command, Pipe& output, Pipe& errors) {
    std::vector<char*> arguments;
    for (const std::string& argument : command)
      arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    Pipe failure; // closed by a successful exec
    const pid_t parent = ::getpid();
    m_pid = ::fork();
    if (m_pid < 0)
      base::throwErrno("start", command[0]);
    if (m_pid == 0)
      becomeProgram(arguments.data(), parent, output.writeEnd(), errors.writeEnd(), failure.writeEnd());
    output.closeWriteEnd();
    errors.closeWriteEnd();
    failure.closeWriteEnd();
    int number = 0;
    ssize_t count = 0;
    while ((count = ::read(failure.readEnd(), &number, sizeof(number))) < 0 && errno == EINTR) {
    }
    if (count == 0)
      return;
    wait();
    throw base::Error(base::ErrorCode::Io, "cannot start '" + command[0] + "': " + std::strerror(number));
  }
  ~Child() {
    if (m_pid > 0)
      terminate();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int wait() {
    int status = 0;
    while (::waitpid(m_pid, &status, 0) < 0 && errno == EINTR) {
    }
    m_pid = -1;
    return status;
  }

  void terminate() {
    ::kill(m_pid, SIGTERM);
    const auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    int status = 0;
    while (std::chrono::steady_clock::now() < patience) {
      if (::waitpid(m_pid, &status, WNOHANG) == m_pid) {
        m_pid = -1;
        return;
      }
      ::usleep(10'000);
    }
    ::kill(m_pid, SIGKILL);
    wait();
  }

private:
  pid_t m_pid = -1;
};

/// Splits incoming text into lines.
class LineSplitter {
public:
  explicit LineSplitter(const std::function<void(std::string_view)>& onLine) : m_onLine(onLine) {}
  void feed(std::string_view text) {
    m_rest += text;
    for (size_t end = m_rest.find('\n'); end != std::string::npos; end = m_rest.find('\n')) {
      take(m_rest.substr(0, end));
      m_rest.erase(0, end + 1);
    }
  }
  void finish() {
    if (!m_rest.empty())
      take(m_rest);
  }
  const std::string& lastLine() const { return m_last; }

private:
  void take(const std::string& line) {
    m_last = line;
    if (m_onLine)
      m_onLine(line);
  }
  const std::function<void(std::string_view)>& m_onLine;
  std::string m_rest;
  std::string m_last;
};

/// Reads the available data; returns true while the writing end is open.
bool drain(int file, const std::function<void(std::string_view)>& sink) {
  std::array<char, 16384> buffer{};
  const ssize_t count = ::read(file, buffer.data(), buffer.size());
  if (count > 0)
    sink({buffer.data(), static_cast<size_t>(count)});
  return count > 0 || (count < 0 && errno == EINTR);
}

} // namespace

std::string runProcess(const std::vector<std::string>& command,
                       const std::function<void(std::string_view)>& onErrorLine,
                       const std::stop_token& stop) {
  Pipe output;
  Pipe errors;
  Child child(command, output, errors);
  std::string text;
  LineSplitter lines(onErrorLine);
  std::array<pollfd, 2> ends{{{output.readEnd(), POLLIN, 0}, {errors.readEnd(), POLLIN, 0}}};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    base::throwIfStopped(stop);
    if (::poll(ends.data(), ends.size(), 100) <= 0)
      continue;
    if (ends[0].revents && !drain(ends[0].fd, [&](std::string_view part) { text += part; }))
      ends[0].fd = -1;
    if (ends[1].revents && !drain(ends[1].fd, [&](std::string_view part) { lines.feed(part); }))
      ends[1].fd = -1;
  }
  lines.finish();
  const int status = child.wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return text;
  const std::string how = WIFSIGNALED(status)
                              ? std::string("was ended by signal ") + ::strsignal(WTERMSIG(status))
                              : "ended with status " + std::to_string(WEXITSTATUS(status));
  throw base::Error(base::ErrorCode::Io, "'" + command[0] + "' " + how +
                                             (lines.lastLine().empty() ? "" : ": " + lines.lastLine()));
}

} // namespace nibblesmith::workflow
