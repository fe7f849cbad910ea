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

/// libssh session and the data that its calls share. One thread at a time.
struct Connection {
  SessionPtr session;
  std::string host; ///< resolved with HostName of ~/.ssh/config
  uint16_t port = 22;
  std::string where; ///< "host:port", for messages
  std::string user;
  /// Duplicate of the socket's file descriptor. It stays open when libssh closes its own descriptor on an
  /// error, which prevents a watchdog from shutting down a number that was reused for another file.
  int socket = -1;

  Connection() = default;
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
};

/// Throws Cancelled after a stop request, otherwise Error{Io}: "<where>: cannot <action>: <reason>".
[[noreturn]] void throwFailed(const Connection& connection, const std::string& action,
                              const Watchdog& watchdog, const std::stop_token& stop);

/// Returns a string option of the session, "" if it is not set.
std::string option(ssh_session session, enum ssh_options_e which);

} // namespace nibblesmith::devices
