// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"

#include <filesystem>

namespace nibblesmith::benchmark {

/// Root directories of the files in which kernel and distribution describe the machine.
struct SystemPaths {
  std::filesystem::path proc = "/proc";
  std::filesystem::path sys = "/sys";
  std::filesystem::path etc = "/etc";
};

/// Conditions of a measurement: constructed before it, finished after it. Facts that the machine does not
/// report are omitted, never guessed.
///   cpu, board, architecture, isa, kernels, cores, threads, memoryBytes, kernel, os, version, build,
///   governor, frequencyMHz, temperatureC (hottest sensor, after), temperatureBeforeC,
///   throttled (during the measurement), loadAverage (one minute, before; well above 0 if other programs ran)
class MachineContext {
public:
  explicit MachineContext(int threads, SystemPaths paths = {});
  /// Adds the conditions after the measurement and returns all of them.
  base::Json finish() const;

private:
  SystemPaths m_paths;
  base::Json m_json;
  std::string m_throttleBefore;
};

/// Peak resident memory (VmHWM) of this process; 0 if unknown.
uint64_t peakRssBytes(const SystemPaths& paths = {});

} // namespace nibblesmith::benchmark
