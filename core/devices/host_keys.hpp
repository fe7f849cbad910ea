// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/connection.hpp"

#include <filesystem>

namespace nibblesmith::devices {

/// Files in which host keys are looked up: `own`, to which confirmed keys are added, and `user`, which is
/// never written.
struct KnownHostsFiles {
  std::filesystem::path own;
  std::filesystem::path user;
};

/// Returns the key's fingerprint as OpenSSH prints it: "SHA256:...".
std::string fingerprint(ssh_key key);

/// Compares the host's key with the known ones. Accepts a known key. Calls `confirm` for an unknown key and
/// adds it to `own`. Refuses a revoked key, and a host for which only other keys are known. Throws
/// base::Error{Io} naming file, line and fingerprints.
void checkHostKey(const Connection& connection, const KnownHostsFiles& files, const ConfirmHostKey& confirm);

} // namespace nibblesmith::devices
