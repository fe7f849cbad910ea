// SPDX-License-Identifier: Apache-2.0
#include "devices/ssh_session.hpp"

#include "devices/ssh_state.hpp"

#include <array>
#include <csignal>
#include <utility>

#include <libssh/callbacks.h>
#include <libssh/server.h>

namespace nibblesmith::devices {

namespace {

constexpr std::chrono::seconds kAnswerLimit{20};
constexpr std::chrono::seconds kKeepAlive{15};
constexpr int kPollMs = 100;
constexpr size_t kMaxOutput = size_t{64} << 20;
constexpr int kUnknownSignal = 255;

struct FreeChannel {
  void operator()(ssh_channel channel) const { ssh_channel_free(channel); }
};
using ChannelPtr = std::unique_ptr<ssh_channel_struct, FreeChannel>;

/// What arrived on the channel; filled by libssh's callbacks, which must not throw.
struct Arrived {
  std::string output;
  std::string errors;
  int exitStatus = -1;
  bool endOfFile = false;
  bool closed = false;
  bool tooMuch = false;

  bool done() const { return closed || (endOfFile && exitStatus >= 0); }
};

int onData(ssh_session, ssh_channel, void* data, uint32_t size, int isErrors, void* user) {
  auto& arrived = *static_cast<Arrived*>(user);
  std::string& text = isErrors ? arrived.errors : arrived.output;
  if (text.size() + size > kMaxOutput)
    arrived.tooMuch = true;
  else
    text.append(static_cast<const char*>(data), size);
  return static_cast<int>(size);
}
void onEndOfFile(ssh_session, ssh_channel, void* user) { static_cast<Arrived*>(user)->endOfFile = true; }
void onClose(ssh_session, ssh_channel, void* user) { static_cast<Arrived*>(user)->closed = true; }
void onExitStatus(ssh_session, ssh_channel, int status, void* user) {
  static_cast<Arrived*>(user)->exitStatus = status & 0xff;
}

/// As a shell reports it: 128 + the signal's number.
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

/// Moves packets of the session while it lives.
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

void waitForEnd(Connection& connection, Arrived& arrived, const std::stop_token& stop,
                const std::function<void(std::string_view)>& onErrors) {
  ssh_session session = connection.session.get();
  size_t handed = 0;
  size_t seen = 0;
  auto lastNews = std::chrono::steady_clock::now();
  PacketPump pump(session);
  while (!arrived.done()) {
    base::throwIfStopped(stop);
    const bool alive = pump.poll();
    if (onErrors && arrived.errors.size() > handed) {
      const size_t begin = std::exchange(handed, arrived.errors.size());
      onErrors(std::string_view(arrived.errors).substr(begin));
    }
    if (arrived.tooMuch)
      throw base::Error(base::ErrorCode::Io, connection.where + ": a command printed more than " +
                                                 std::to_string(kMaxOutput) + " bytes");
    if (!alive && !arrived.done()) {
      const Watchdog idle(connection.socket, stop, kAnswerLimit);
      throwFailed(connection, "wait for a command", idle, stop);
    }
    const auto now = std::chrono::steady_clock::now();
    if (const size_t size = arrived.output.size() + arrived.errors.size(); size != seen) {
      seen = size;
      lastNews = now;
    } else if (now - lastNews > kKeepAlive) {
      // Asks the host for a sign of life; a host that is gone ends the session through the watchdog.
      const Watchdog watchdog(connection.socket, stop, kAnswerLimit);
      ssh_send_keepalive(session);
      lastNews = std::chrono::steady_clock::now();
    }
  }
}

} // namespace

CommandResult SshSession::run(const std::string& command, const std::stop_token& stop,
                              const std::function<void(std::string_view)>& onErrors) {
  Connection& connection = m_state->connection;
  Arrived arrived;
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
    Watchdog watchdog(connection.socket, stop, kAnswerLimit);
    if (!channel || ssh_channel_open_session(channel.get()) != SSH_OK)
      throwFailed(connection, "open a channel", watchdog, stop);
    ssh_set_channel_callbacks(channel.get(), &callbacks);
    if (ssh_channel_request_exec(channel.get(), command.c_str()) != SSH_OK)
      throwFailed(connection, "run a command", watchdog, stop);
  }
  try {
    waitForEnd(connection, arrived, stop, onErrors);
  } catch (...) {
    // Neither asks for an answer, so a silent host cannot hold us here.
    if (ssh_is_connected(connection.session.get())) {
      ssh_channel_request_send_signal(channel.get(), "TERM");
      ssh_channel_close(channel.get());
    }
    ssh_remove_channel_callbacks(channel.get(), &callbacks);
    throw;
  }
  ssh_remove_channel_callbacks(channel.get(), &callbacks);
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
