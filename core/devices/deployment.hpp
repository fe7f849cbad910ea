// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmark/benchmark.hpp"
#include "devices/ssh_session.hpp"

namespace nibblesmith::devices {

/// What a device says of itself.
struct Probe {
  std::string machine; ///< uname -m: "x86_64", "aarch64"
  std::string kernel;
  std::string cpu;
  int cores = 0;
  uint64_t memoryBytes = 0;
  uint64_t freeDiskBytes = 0;
  std::string governor; ///< "" where not known
};
Probe probe(SshSession& session, const std::string& directory, const std::stop_token& stop);

struct DeploymentResult {
  std::string remotePath; ///< of the current version: <directory>/current/model.gguf
  std::string version;    ///< <directory>/versions/<version>
  std::string previous;   ///< the version that was current before; kept
  std::string sha256;     ///< as computed on the device
  /// Of what is in the directory and not this program's, and so stays; for people.
  std::vector<std::string> kept = {};
};

/// Uploads runner and GGUF under temporary names, compares sha256 on the device, moves them to
/// versions/<sha256 prefix>, and switches the link `current` atomically. The version before stays; older ones
/// go, as far as they are what their manifests list. A failure at any point leaves what was current
/// untouched. One program at a time: see DeploymentLock. Throws base::Error{Io} (disk full, connection lost,
/// checksum differs with expected and found, another program deploys), {InvalidArgument} where the directory
/// is somebody else's.
DeploymentResult deploy(SshSession& session, const std::string& directory, const std::filesystem::path& gguf,
                        const std::filesystem::path& runner, const std::stop_token& stop,
                        base::Progress& progress);
/// Switches back to the version before. Throws base::Error{NotFound} where there is none.
DeploymentResult rollBack(SshSession& session, const std::string& directory, const std::stop_token& stop);

/// Runs the deployed runner's benchmark on the device.
benchmark::BenchmarkResult runRemoteBenchmark(SshSession& session, const DeploymentResult& deployed,
                                              const benchmark::BenchmarkOptions& options,
                                              const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::devices
