// SPDX-License-Identifier: Apache-2.0
#include "devices/ssh_session.hpp"

#include "base/units.hpp"
#include "devices/ssh_state.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include <libssh/callbacks.h>
#include <libssh/server.h>

namespace nibblesmith::devices {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kKeepAlive{15};
constexpr int kPollMs = 100;
constexpr size_t kKeptErrors = size_t{64} << 10;
constexpr int kUnknownSignal = 255;

struct FreeChannel {
  void operator()(ssh_channel channel) const { ssh_channel_free(channel); }
};
using ChannelPtr = std::unique_ptr<ssh_channel_struct, FreeChannel>;

/// Data that arrived on the channel; filled by libssh's callbacks, which must not throw.
struct Arrived {
  size_t mostOutput = 0;
  size_t mostErrors = 0;
  std::string output;
  std::string errors;    ///< tail of standard error
  std::string newErrors; ///< not passed on yet
  size_t errorBytes = 0; ///< total size
  int exitStatus = -1;
  bool endOfFile = false;
  bool closed = false;
  bool tooMuch = false;

  bool done() const { return closed || (endOfFile && exitStatus >= 0); }
  size_t bytes() const { return output.size() + errorBytes; }
};

int onData(ssh_session, ssh_channel, void* data, uint32_t size, int isErrors, void* user) {
  auto& arrived = *static_cast<Arrived*>(user);
  const std::string_view piece(static_cast<const char*>(data), size);
  if (isErrors) {
    arrived.errorBytes += size;
    arrived.newErrors += piece;
    arrived.errors += piece;
    if (arrived.errors.size() > 2 * kKeptErrors)
      arrived.errors.erase(0, arrived.errors.size() - kKeptErrors);
    arrived.tooMuch |= arrived.errorBytes > arrived.mostErrors;
  } else if (arrived.output.size() + size > arrived.mostOutput) {
    arrived.tooMuch = true;
  } else {
    arrived.output += piece;
  }
  return static_cast<int>(size);
}
void onEndOfFile(ssh_session, ssh_channel, void* user) { static_cast<Arrived*>(user)->endOfFile = true; }
void onClose(ssh_session, ssh_channel, void* user) { static_cast<Arrived*>(user)->closed = true; }
void onExitStatus(ssh_session, ssh_channel, int status, void* user) {
  static_cast<Arrived*>(user)->exitStatus = status & 0xff;
}

/// Stores the exit status as a shell reports it: 128 + the signal's number.
void onExitSignal(ssh_session, ssh_channel, const char* name, int, const char*, const char*, void* user) {
  constexpr std::array<std::pair<std::string_view, int>, 8> kSignals{{{"HUP", SIGHUP},
                                                                      {"INT", SIGINT},
                                                                      {"ILL", SIGILL},
                                                                      {"ABRT", SIGABRT},
                                                                      {"KILL", SIGKILL},
                                                                      {"SEGV", SIGSEGV},
                                                                      {"PIPE", SIGPIPE},
                                                                      {"TERM", SIGTERM}}};
  auto& arrived = *static_cast<Arrived*>(user);
  arrived.exitStatus = kUnknownSignal;
  for (const auto& [known, number] : kSignals)
    if (name && known == name)
      arrived.exitStatus = 128 + number;
}

/// RAII event loop: transfers packets of the session during its lifetime.
class PacketPump {
public:
  explicit PacketPump(ssh_session session) : m_session(session), m_event(ssh_event_new()) {
    if (m_event)
      ssh_event_add_session(m_event, m_session);
  }
  ~PacketPump() {
    if (m_event) {
      ssh_event_remove_session(m_event, m_session);
      ssh_event_free(m_event);
    }
  }
  PacketPump(const PacketPump&) = delete;
  PacketPump& operator=(const PacketPump&) = delete;
  bool poll() {
    return m_event && ssh_event_dopoll(m_event, kPollMs) != SSH_ERROR && ssh_is_connected(m_session);
  }

private:
  ssh_session m_session;
  ssh_event m_event;
};

/// Time limits of one command: its end within `total`, and some output within every `silence`.
class Deadline {
public:
  Deadline(const Connection& connection, CommandLimits limits) : m_connection(connection), m_limits(limits) {}

  /// Throws Error{Io} if a limit is exceeded. arrived: data received until now.
  void check(const Arrived& arrived) {
    const auto now = Clock::now();
    if (arrived.bytes() != m_seen) {
      m_seen = arrived.bytes();
      m_lastNews = now;
    }
    if (arrived.tooMuch)
      giveUp("it sent more than " + base::formatBytes(m_seen));
    if (now - m_begin > m_limits.total)
      giveUp("it did not end within " + seconds(m_limits.total) + " and sent " + base::formatBytes(m_seen));
    if (now - m_lastNews > m_limits.silence)
      giveUp("nothing came for " + seconds(m_limits.silence));
  }
  Clock::time_point lastNews() const { return m_lastNews; }

private:
  [[noreturn]] void giveUp(const std::string& reason) const {
    throw base::Error(base::ErrorCode::Io, m_connection.where + ": a command was given up: " + reason);
  }
  static std::string seconds(std::chrono::milliseconds time) {
    return base::formatDuration(std::chrono::duration<double>(time).count());
  }

  const Connection& m_connection;
  CommandLimits m_limits;
  Clock::time_point m_begin = Clock::now();
  Clock::time_point m_lastNews = m_begin;
  size_t m_seen = 0;
};

void waitForEnd(Connection& connection, Arrived& arrived, Deadline& deadline,
                std::chrono::milliseconds answerLimit, const std::stop_token& stop,
                const std::function<void(std::string_view)>& onErrors) {
  ssh_session session = connection.session.get();
  auto lastSign = Clock::now();
  PacketPump pump(session);
  while (!arrived.done()) {
    base::throwIfStopped(stop);
    const bool alive = pump.poll();
    if (const std::string errors = std::exchange(arrived.newErrors, {}); onErrors && !errors.empty())
      onErrors(errors);
    deadline.check(arrived);
    if (!alive && !arrived.done()) {
      const Watchdog idle(connection.socket, stop, answerLimit);
      throwFailed(connection, "wait for a command", idle, stop);
    }
    lastSign = std::max(lastSign, deadline.lastNews());
    if (Clock::now() - lastSign > kKeepAlive) {
      // Sends a keep-alive request to the host; if the host is gone, the watchdog ends the session.
      const Watchdog watchdog(connection.socket, stop, answerLimit);
      ssh_send_keepalive(session);
      lastSign = Clock::now();
    }
  }
  if (onErrors && !arrived.newErrors.empty())
    onErrors(arrived.newErrors);
}

} // namespace

CommandResult SshSession::run(const std::string& command, const std::stop_token& stop,
                              const std::function<void(std::string_view)>& onErrors, CommandLimits limits) {
  Connection& connection = m_state->connection;
  const SessionLimits& session = m_state->limits;
  if (limits.total.count() == 0)
    limits.total = session.command;
  if (limits.silence.count() == 0)
    limits.silence = limits.total;
  Arrived arrived;
  arrived.mostOutput = session.outputBytes;
  arrived.mostErrors = session.errorBytes;
  ssh_channel_callbacks_struct callbacks{};
  callbacks.userdata = &arrived;
  callbacks.channel_data_function = onData;
  callbacks.channel_eof_function = onEndOfFile;
  callbacks.channel_close_function = onClose;
  callbacks.channel_exit_status_function = onExitStatus;
  callbacks.channel_exit_signal_function = onExitSignal;
  ssh_callbacks_init(&callbacks);

  base::throwIfStopped(stop);
  const ChannelPtr channel(ssh_channel_new(connection.session.get()));
  {
    Watchdog watchdog(connection.socket, stop, session.answer);
    if (!channel || ssh_channel_open_session(channel.get()) != SSH_OK)
      throwFailed(connection, "open a channel", watchdog, stop);
    ssh_set_channel_callbacks(channel.get(), &callbacks);
    if (ssh_channel_request_exec(channel.get(), command.c_str()) != SSH_OK)
      throwFailed(connection, "run a command", watchdog, stop);
  }
  try {
    Deadline deadline(connection, limits);
    waitForEnd(connection, arrived, deadline, session.answer, stop, onErrors);
  } catch (...) {
    // Neither call waits for an answer, so a silent host cannot block here.
    if (ssh_is_connected(connection.session.get())) {
      ssh_channel_request_send_signal(channel.get(), "TERM");
      ssh_channel_close(channel.get());
    }
    ssh_remove_channel_callbacks(channel.get(), &callbacks);
    throw;
  }
  ssh_remove_channel_callbacks(channel.get(), &callbacks);
  if (arrived.errors.size() > kKeptErrors)
    arrived.errors.erase(0, arrived.errors.size() - kKeptErrors);
  return {arrived.exitStatus < 0 ? kUnknownSignal : arrived.exitStatus, std::move(arrived.output),
          std::move(arrived.errors)};
}

std::string shellQuote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

} // namespace nibblesmith::devices
