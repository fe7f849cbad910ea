// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <filesystem>

namespace nibblesmith::benchmark {

/// Where the kernel and the distribution describe the machine.
struct SystemPaths {
  std::filesystem::path proc = "/proc";
  std::filesystem::path sys = "/sys";
  std::filesystem::path etc = "/etc";
};

/// The circumstances of a measurement: an object made before it, and completed after it. What the machine
/// does not tell is left out, never guessed.
///   cpu, board, architecture, isa, kernels, cores, threads, memoryBytes, kernel, os, version, build,
///   governor, frequencyMHz, temperatureC (the hottest sensor, after), temperatureBeforeC, throttled (while
///   measuring), loadAverage (one minute, before): other programs ran if it is well above 0.
class MachineContext {
public:
  explicit MachineContext(int threads, SystemPaths paths = {});
  base::Json finish() const;

private:
  SystemPaths m_paths;
  base::Json m_json;
  std::string m_throttleBefore;
};

/// VmHWM of this process; 0 where it is not known.
uint64_t peakRssBytes(const SystemPaths& paths = {});

} // namespace nibblesmith::benchmark
