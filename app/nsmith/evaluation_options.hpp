// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "benchmark/benchmark.hpp"
#include "invocation.hpp"
#include "workflow/evaluate.hpp"

namespace nibblesmith::nsmith {

/// Adds the options for evaluation data; shared by eval and compare.
void addEvaluationOptions(QCommandLineParser& parser);
workflow::EvaluateRequest evaluationFromOptions(const Invocation& call);
base::Json toJson(const workflow::EvaluateResult& result, const workflow::EvaluateRequest& request);

/// Adds the options for benchmarks; shared by bench, compare and deploy.
void addBenchmarkOptions(QCommandLineParser& parser);
benchmark::BenchmarkOptions benchmarkFromOptions(const Invocation& call);
void printBenchmark(const benchmark::BenchmarkResult& result);

} // namespace nibblesmith::nsmith
