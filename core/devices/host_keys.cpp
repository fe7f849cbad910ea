// SPDX-License-Identifier: Apache-2.0
#include "devices/host_keys.hpp"

#include "base/file.hpp"
#include "base/file_lock.hpp"
#include "base/join.hpp"

#include <string_view>
#include <vector>

namespace nibblesmith::devices {

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{16} << 20;
constexpr size_t kMaxLineBytes = 64 * 1024;
/// Time to wait for other processes, which hold the lock for milliseconds.
constexpr std::chrono::seconds kLockTimeout{20};

struct KnownKey {
  std::filesystem::path file;
  int line = 0;
  bool revoked = false;
  KeyPtr key;
};

struct FreeEntry {
  void operator()(ssh_knownhosts_entry* entry) const { ssh_knownhosts_entry_free(entry); }
};

/// Returns the host's name as used in known_hosts: "host", or "[host]:port" for a non-standard port.
std::string knownName(const Connection& connection) {
  return connection.port == 22 ? connection.host
                               : "[" + connection.host + "]:" + std::to_string(connection.port);
}

/// Removes and returns the marker at the start of a line.
std::string takeMarker(std::string& line) {
  if (!line.starts_with('@'))
    return {};
  const size_t end = line.find_first_of(" \t");
  if (end == std::string::npos)
    return {};
  const std::string marker = line.substr(0, end);
  line.erase(0, line.find_first_not_of(" \t", end));
  return marker;
}

void appendKeys(const std::filesystem::path& file, const std::string& host, std::vector<KnownKey>& keys) {
  if (file.empty() || !base::fileExists(file))
    return;
  const std::string text = base::readTextFile(file, kMaxFileBytes);
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.size() > kMaxLineBytes || line.find('\0') != std::string::npos)
      continue;
    const std::string marker = takeMarker(line);
    if (!marker.empty() && marker != "@revoked")
      continue;
    ssh_knownhosts_entry* found = nullptr;
    // The parser fails for lines of other hosts, comments and broken lines alike; they are skipped, as ssh
    // does.
    if (ssh_known_hosts_parse_line(host.c_str(), line.c_str(), &found) != SSH_OK || !found)
      continue;
    const std::unique_ptr<ssh_knownhosts_entry, FreeEntry> entry(found);
    if (entry->publickey)
      keys.push_back({file, number, !marker.empty(), KeyPtr(ssh_key_dup(entry->publickey))});
  }
}

std::string describe(const KnownKey& known) {
  return fingerprint(known.key.get()) + " (" + ssh_key_type_to_char(ssh_key_type(known.key.get())) + ", '" +
         known.file.string() + "' line " + std::to_string(known.line) + ")";
}

void remember(const Connection& connection, const std::filesystem::path& file) {
  char* exported = nullptr;
  if (ssh_session_export_known_hosts_entry(connection.session.get(), &exported) != SSH_OK || !exported)
    throw base::Error(base::ErrorCode::Io,
                      connection.where + ": its host key cannot be written to '" + file.string() + "'");
  const TextPtr entry(exported);
  // Two hosts may be confirmed at once; neither key must be lost.
  std::filesystem::path lockFile = file;
  lockFile += ".lock";
  const base::FileLock lock(lockFile, "adding a host key", kLockTimeout);
  std::string text = base::fileExists(file) ? base::readTextFile(file, kMaxFileBytes) : std::string();
  if (!text.empty() && !text.ends_with('\n'))
    text += '\n';
  text += entry.get();
  if (!text.ends_with('\n'))
    text += '\n';
  base::writeFileAtomically(file, text);
}

[[noreturn]] void throwChanged(const Connection& connection, const std::string& offered,
                               const std::vector<KnownKey>& known) {
  const std::string expected = base::join(known, ", ", [](const KnownKey& key) { return describe(key); });
  throw base::Error(base::ErrorCode::Io,
                    "the host key of " + connection.where + " changed, connection refused: expected " +
                        expected + ", found " + offered +
                        "; if the device was set up anew, forget the old key with ssh-keygen -R " +
                        shellQuote(knownName(connection)) + " -f " + shellQuote(known.front().file.string()));
}

} // namespace

std::string fingerprint(ssh_key key) {
  unsigned char* hash = nullptr;
  size_t size = 0;
  if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK)
    return "(unreadable key)";
  const TextPtr text(ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size));
  ssh_clean_pubkey_hash(&hash);
  return text ? text.get() : "(unreadable key)";
}

void checkHostKey(const Connection& connection, const KnownHostsFiles& files, const ConfirmHostKey& confirm) {
  ssh_key taken = nullptr;
  if (ssh_get_server_publickey(connection.session.get(), &taken) != SSH_OK)
    throw base::Error(base::ErrorCode::Io, connection.where + ": the host shows no key");
  const KeyPtr key(taken);
  const HostKey offered{connection.host, connection.port, ssh_key_type_to_char(ssh_key_type(key.get())),
                        fingerprint(key.get())};
  const std::string offeredText = offered.fingerprint + " (" + offered.type + ")";

  std::vector<KnownKey> known;
  appendKeys(files.own, knownName(connection), known);
  appendKeys(files.user, knownName(connection), known);
  bool matches = false;
  for (const KnownKey& entry : known) {
    if (ssh_key_cmp(entry.key.get(), key.get(), SSH_KEY_CMP_PUBLIC) != 0)
      continue;
    if (entry.revoked)
      throw base::Error(base::ErrorCode::Io, "the host key of " + connection.where +
                                                 " is revoked, connection refused: " + describe(entry));
    matches = true;
  }
  std::erase_if(known, [](const KnownKey& entry) { return entry.revoked; });
  if (matches)
    return;
  if (!known.empty())
    throwChanged(connection, offeredText, known);
  if (!confirm || !confirm(offered))
    throw base::Error(base::ErrorCode::Io, "the host key of " + connection.where +
                                               " was not confirmed, connection refused: " + offeredText);
  remember(connection, files.own);
}

} // namespace nibblesmith::devices
