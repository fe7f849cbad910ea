// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmark/benchmark.hpp"
#include "workflow/logged_run.hpp"

namespace nibblesmith::workflow {

/// Metrics, raw samples and the machine's state of a benchmark, here or on a device.
void logBenchmark(LoggedRun& run, const benchmark::BenchmarkResult& result);

} // namespace nibblesmith::workflow
