// SPDX-License-Identifier: Apache-2.0
#include "devices/connection.hpp"

#include "base/foreign_text.hpp"

#include <unistd.h>

namespace nibblesmith::devices {

Connection::~Connection() {
  session.reset();
  if (socket >= 0)
    ::close(socket);
}

void throwFailed(const Connection& connection, const std::string& action, const Watchdog& watchdog,
                 const std::stop_token& stop) {
  base::throwIfStopped(stop);
  std::string reason =
      "no answer for " + std::to_string(watchdog.limit().count() / 1000) + " s; connection closed";
  if (!watchdog.expired()) {
    const char* text = ssh_get_error(connection.session.get());
    reason = text && *text ? base::foreignText(text, 300) : "the connection was lost";
    if (reason == "Socket error: disconnected")
      reason = "the host closed the connection";
  }
  throw base::Error(base::ErrorCode::Io, connection.where + ": cannot " + action + ": " + reason);
}

std::string option(ssh_session session, enum ssh_options_e which) {
  char* value = nullptr;
  if (ssh_options_get(session, which, &value) != SSH_OK || !value)
    return {};
  const TextPtr text(value);
  return text.get();
}

} // namespace nibblesmith::devices
