// SPDX-License-Identifier: Apache-2.0
#include "devices/ssh_login.hpp"

#include "base/input_file.hpp"
#include "base/join.hpp"

#include <cstdlib>
#include <vector>

namespace nibblesmith::devices {

namespace {

std::string offeredMethods(ssh_session session) {
  const int methods = ssh_userauth_list(session, nullptr);
  std::string names;
  const auto add = [&](unsigned flag, const char* name) {
    if (static_cast<unsigned>(methods) & flag)
      base::appendTo(names, name);
  };
  add(SSH_AUTH_METHOD_PUBLICKEY, "publickey");
  add(SSH_AUTH_METHOD_PASSWORD, "password");
  add(SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive");
  add(SSH_AUTH_METHOD_HOSTBASED, "hostbased");
  add(SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic");
  return names.empty() ? "nothing" : names;
}

[[noreturn]] void throwRefused(const Connection& connection, const std::string& tried) {
  throw base::Error(base::ErrorCode::Io, "login as '" + connection.user + "' on " + connection.where +
                                             " refused: tried " + tried + "; the device accepts " +
                                             offeredMethods(connection.session.get()));
}

/// Records that libssh asked for a passphrase, and answers with none.
int refusePassphrase(const char*, char*, size_t, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

struct KeyFile {
  KeyPtr key;
  bool needsPassphrase = false;
};

KeyFile readKey(const std::filesystem::path& path) {
  constexpr uint64_t kMaxKeyBytes = uint64_t{1} << 20;
  const std::string text = base::readTextFile(path, kMaxKeyBytes);
  KeyFile file;
  ssh_key key = nullptr;
  if (ssh_pki_import_privkey_base64(text.c_str(), nullptr, refusePassphrase, &file.needsPassphrase, &key) ==
      SSH_OK)
    file.key.reset(key);
  else if (!file.needsPassphrase)
    throw base::Error(
        base::ErrorCode::Io,
        "'" + path.string() +
            "' is not a private key: expected an OpenSSH or PEM key, unencrypted or in the agent");
  return file;
}

bool agentRuns() {
  const char* socket = std::getenv("SSH_AUTH_SOCK");
  return socket && *socket;
}

bool accepted(int result) { return result == SSH_AUTH_SUCCESS; }

} // namespace

void logIn(Connection& connection, const Device& device, std::chrono::milliseconds limit,
           const std::stop_token& stop) {
  ssh_session session = connection.session.get();
  KeyFile file;
  if (!device.keyFile.empty())
    file = readKey(device.keyFile);
  Watchdog watchdog(connection.socket, stop, limit);
  const auto check = [&](int result) {
    if (result == SSH_AUTH_ERROR && !ssh_is_connected(session))
      throwFailed(connection, "log in as '" + connection.user + "'", watchdog, stop);
    base::throwIfStopped(stop);
    return accepted(result);
  };
  if (check(ssh_userauth_none(session, nullptr)))
    return;
  if (device.keyFile.empty()) {
    if (check(ssh_userauth_publickey_auto(session, nullptr, nullptr)))
      return;
    throwRefused(connection, agentRuns() ? "the agent's keys and the user's default keys"
                                         : "the user's default keys (no agent is running)");
  }
  if (file.key) {
    if (check(ssh_userauth_publickey(session, nullptr, file.key.get())))
      return;
    throwRefused(connection, "the key file '" + device.keyFile.string() + "'");
  }
  // The agent handles passphrases.
  if (agentRuns() && check(ssh_userauth_agent(session, nullptr)))
    return;
  throw base::Error(base::ErrorCode::Io,
                    "the key file '" + device.keyFile.string() + "' is protected by a passphrase and " +
                        (agentRuns() ? "the agent has no key that " + connection.where + " accepts"
                                     : std::string("no agent is running")) +
                        ": add it with ssh-add first");
}

} // namespace nibblesmith::devices
