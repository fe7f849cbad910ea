// SPDX-License-Identifier: Apache-2.0
#include "devices/tcp_connect.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace nibblesmith::devices {

namespace {

using Clock = std::chrono::steady_clock;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

struct Lookup {
  std::mutex mutex;
  std::condition_variable_any ready;
  bool done = false;
  int code = 0;
  int number = 0;
  Addresses addresses;
};

class Socket {
public:
  explicit Socket(int file) : m_file(file) {}
  ~Socket() {
    if (m_file >= 0)
      ::close(m_file);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int file() const { return m_file; }
  int release() { return std::exchange(m_file, -1); }

private:
  int m_file;
};

[[noreturn]] void throwNoAnswer(const std::string& where, std::chrono::milliseconds timeout) {
  throw base::Error(base::ErrorCode::Io, "no answer from " + where + " within " +
                                             std::to_string(timeout.count() / 1000) +
                                             " s: is the device switched on and in this network?");
}

/// Resolves a host name. getaddrinfo() has no time limit and cannot be stopped; it runs on its own thread,
/// which is detached when the caller stops waiting.
Addresses resolve(const std::string& host, uint16_t port, Clock::time_point deadline,
                  std::chrono::milliseconds timeout, const std::stop_token& stop) {
  const auto lookup = std::make_shared<Lookup>();
  std::thread([lookup, host, service = std::to_string(port)] {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
    const int number = errno;
    const std::lock_guard lock(lookup->mutex);
    lookup->code = code;
    lookup->number = number;
    if (code == 0)
      lookup->addresses.reset(list);
    lookup->done = true;
    lookup->ready.notify_all();
  }).detach();

  std::unique_lock lock(lookup->mutex);
  lookup->ready.wait_until(lock, stop, deadline, [&] { return lookup->done; });
  base::throwIfStopped(stop);
  if (!lookup->done)
    throw base::Error(base::ErrorCode::Io, "the name '" + host + "' was not resolved within " +
                                               std::to_string(timeout.count() / 1000) + " s");
  if (lookup->code != 0)
    throw base::Error(base::ErrorCode::Io, "the name '" + host + "' cannot be resolved: " +
                                               (lookup->code == EAI_SYSTEM ? std::strerror(lookup->number)
                                                                           : ::gai_strerror(lookup->code)));
  return std::move(lookup->addresses);
}

/// Waits for a connection attempt to end. Returns 0 or the errno of the attempt. Throws Cancelled.
int finishConnecting(int file, Clock::time_point deadline, const std::stop_token& stop) {
  while (true) {
    base::throwIfStopped(stop);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0)
      return ETIMEDOUT;
    pollfd entry{file, POLLOUT, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<int64_t>(left, 100)));
    if (ready < 0 && errno != EINTR)
      return errno;
    if (ready <= 0)
      continue;
    int failure = 0;
    socklen_t size = sizeof failure;
    ::getsockopt(file, SOL_SOCKET, SO_ERROR, &failure, &size);
    return failure;
  }
}

/// Enables keep-alive: a device that lost its power must not block a session for hours, as TCP's default
/// timeouts allow.
void setLiveness(int file) {
  const int on = 1;
  const int idleSeconds = 15;
  const int probes = 3;
  const unsigned unansweredMs = 40'000;
  ::setsockopt(file, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(file, IPPROTO_TCP, TCP_KEEPIDLE, &idleSeconds, sizeof idleSeconds);
  ::setsockopt(file, IPPROTO_TCP, TCP_KEEPINTVL, &idleSeconds, sizeof idleSeconds);
  ::setsockopt(file, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  ::setsockopt(file, IPPROTO_TCP, TCP_USER_TIMEOUT, &unansweredMs, sizeof unansweredMs);
  ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

} // namespace

int connectTcp(const std::string& host, uint16_t port, std::chrono::milliseconds timeout,
               const std::stop_token& stop) {
  const Clock::time_point deadline = Clock::now() + timeout;
  const std::string where = host + ":" + std::to_string(port);
  const Addresses addresses = resolve(host, port, deadline, timeout, stop);
  int failure = EADDRNOTAVAIL;
  for (const addrinfo* address = addresses.get(); address; address = address->ai_next) {
    Socket socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.file() < 0) {
      failure = errno;
      continue;
    }
    failure = ::connect(socket.file(), address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (failure == EINPROGRESS || failure == EINTR) {
      // A silent address uses at most half of the remaining time; the rest is for the next one.
      const auto now = Clock::now();
      const auto until = address->ai_next ? now + (deadline - now) / 2 : deadline;
      failure = finishConnecting(socket.file(), until, stop);
    }
    if (failure == 0) {
      setLiveness(socket.file());
      return socket.release();
    }
  }
  if (failure == ETIMEDOUT)
    throwNoAnswer(where, timeout);
  if (failure == ECONNREFUSED)
    throw base::Error(base::ErrorCode::Io,
                      "connection to " + where +
                          " refused: the host is up, but no SSH server listens on that port");
  throw base::Error(base::ErrorCode::Io, where + " cannot be reached: " + std::strerror(failure));
}

} // namespace nibblesmith::devices
