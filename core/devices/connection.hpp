// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"
#include "devices/ssh_session.hpp"
#include "devices/watchdog.hpp"

#include <chrono>
#include <memory>
#include <string>

#include <libssh/libssh.h>

namespace nibblesmith::devices {

struct FreeSession {
  void operator()(ssh_session session) const {
    ssh_disconnect(session);
    ssh_free(session);
  }
};
struct FreeKey {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
struct FreeString {
  void operator()(char* text) const { ssh_string_free_char(text); }
};
using SessionPtr = std::unique_ptr<ssh_session_struct, FreeSession>;
using KeyPtr = std::unique_ptr<ssh_key_struct, FreeKey>;
using TextPtr = std::unique_ptr<char, FreeString>;

/// The libssh session with what its calls share. One thread at a time.
struct Connection {
  SessionPtr session;
  std::string host; ///< after ~/.ssh/config's HostName
  uint16_t port = 22;
  std::string where; ///< "host:port", for messages
  std::string user;
  /// A second descriptor of the socket: stays ours when libssh closes its own on an error, so that a
  /// watchdog never shuts down a number that was given to someone else.
  int socket = -1;

  Connection() = default;
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
};

/// Throws Cancelled after a stop, else Error{Io}: "<where>: cannot <action>: <reason>".
[[noreturn]] void throwFailed(const Connection& connection, const std::string& action,
                              const Watchdog& watchdog, const std::stop_token& stop);

/// A string option of the session, "" where it is not set.
std::string option(ssh_session session, enum ssh_options_e which);

} // namespace nibblesmith::devices
