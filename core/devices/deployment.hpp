// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmark/benchmark.hpp"
#include "devices/ssh_session.hpp"

namespace nibblesmith::devices {

/// Hardware and operating system of a device, as the device reports them.
struct Probe {
  std::string machine; ///< output of uname -m: "x86_64", "aarch64"
  std::string kernel;
  std::string cpu;
  int cores = 0;
  uint64_t memoryBytes = 0;
  uint64_t freeDiskBytes = 0;
  std::string governor; ///< "" if unknown
};
Probe probe(SshSession& session, const std::string& directory, const std::stop_token& stop);

struct DeploymentResult {
  std::string remotePath; ///< path of the current version's model: DIRECTORY/current/model.gguf
  std::string version;    ///< name of the directory DIRECTORY/versions/VERSION
  std::string previous;   ///< version that was current before; it is kept
  std::string sha256;     ///< SHA-256 of the model, computed on the device
  /// Entries of the directory that this program did not create and therefore did not delete; for display.
  std::vector<std::string> kept = {};
};

/// Uploads the runner and the GGUF file under temporary names, compares their SHA-256 on the device, moves
/// them to versions/SHA256-PREFIX, and atomically switches the link `current`. Keeps the previous version
/// and deletes the files of older ones that their manifests list. A failure at any step leaves the current
/// version untouched. Only one program may deploy at a time: see DeploymentLock. Throws base::Error{Io} (disk
/// full, connection lost, checksum mismatch with expected and found values, another program is deploying), or
/// {InvalidArgument} if the directory belongs to something else.
DeploymentResult deploy(SshSession& session, const std::string& directory, const std::filesystem::path& gguf,
                        const std::filesystem::path& runner, const std::stop_token& stop,
                        base::Progress& progress);
/// Switches back to the previous version. Throws base::Error{NotFound} if there is none.
DeploymentResult rollBack(SshSession& session, const std::string& directory, const std::stop_token& stop);

/// Runs the benchmark of the deployed runner on the device.
benchmark::BenchmarkResult runRemoteBenchmark(SshSession& session, const DeploymentResult& deployed,
                                              const benchmark::BenchmarkOptions& options,
                                              const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::devices
