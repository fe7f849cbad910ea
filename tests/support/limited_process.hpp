// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nsmith_process.hpp"

#include <sys/resource.h>

namespace nibblesmith::test {

/// Limits for processing an untrusted file. Memory is what the process writes to (RLIMIT_DATA), because pages
/// of mapped files can be reclaimed. Time is CPU time, which a busy machine does not stretch; the longer
/// wall-clock limit catches a program that waits.
struct Limits {
  rlim_t memoryBytes = rlim_t{1} << 30;
  rlim_t processorSeconds = 10;
  int clockMs = 100'000;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kLimitsMemory = false; ///< sanitizers reserve far more
#else
inline constexpr bool kLimitsMemory = true;
#endif

struct LimitedResult : NsmithResult {
  bool ended = false; ///< ended by itself, within the limits
};

/// Runs the headless program within the limits, and kills it at the wall-clock limit.
inline LimitedResult runLimited(const QTemporaryDir& folder, QStringList arguments,
                                const Limits& limits = {}) {
  arguments << QStringLiteral("--quiet") << QStringLiteral("--threads") << QStringLiteral("1");
  if (!arguments.contains(QStringLiteral("--log")))
    arguments << QStringLiteral("--log") << folder.filePath(QStringLiteral("log.db"));
  QProcess process;
  QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
  environment.insert(QStringLiteral("OPENBLAS_NUM_THREADS"), QStringLiteral("1"));
  process.setProcessEnvironment(environment);
  process.setChildProcessModifier([limits] {
    const rlimit memory{limits.memoryBytes, limits.memoryBytes};
    const rlimit seconds{limits.processorSeconds, limits.processorSeconds};
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CPU, &seconds);
    ::setrlimit(RLIMIT_CORE, &none);
    if (kLimitsMemory)
      ::setrlimit(RLIMIT_DATA, &memory);
  });
  process.start(nsmithProgram(), arguments);
  LimitedResult result;
  if (!process.waitForFinished(limits.clockMs)) {
    process.kill();
    process.waitForFinished();
    return result;
  }
  result.ended = process.exitStatus() == QProcess::NormalExit;
  result.exitCode = result.ended ? process.exitCode() : -1;
  result.output = process.readAllStandardOutput();
  result.errors = process.readAllStandardError();
  return result;
}

} // namespace nibblesmith::test
