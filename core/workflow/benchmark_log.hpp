// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmark/benchmark.hpp"
#include "workflow/logged_run.hpp"

namespace nibblesmith::workflow {

/// Logs the metrics, raw samples and machine state of a benchmark on this machine or on a device.
void logBenchmark(LoggedRun& run, const benchmark::BenchmarkResult& result);

} // namespace nibblesmith::workflow
