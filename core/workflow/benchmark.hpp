// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmark/benchmark.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <stop_token>
#include <string>

namespace nibblesmith::workflow {

struct BenchmarkRequest {
  std::filesystem::path artifact;
  benchmark::BenchmarkOptions options;
  std::string expectedHash = {};
};
/// Runs nsmith-runner as a separate process on this machine.
benchmark::BenchmarkResult runBenchmark(const BenchmarkRequest& request, const Services& services,
                                        const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::workflow
