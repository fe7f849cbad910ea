// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devices/connection.hpp"

#include <filesystem>

namespace nibblesmith::devices {

/// The files host keys are looked up in: ours, to which confirmed keys are added, and the user's, never
/// written.
struct KnownHostsFiles {
  std::filesystem::path own;
  std::filesystem::path user;
};

/// "SHA256:..." as OpenSSH prints it.
std::string fingerprint(ssh_key key);

/// Compares the host's key with the known ones: known is fine; unknown is asked for and remembered in `own`;
/// a host that is known by other keys only, or a revoked key, is refused.
/// Throws base::Error{Io} naming file, line and fingerprints.
void checkHostKey(const Connection& connection, const KnownHostsFiles& files, const ConfirmHostKey& confirm);

} // namespace nibblesmith::devices
