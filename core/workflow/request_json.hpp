// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/deploy.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/export.hpp"
#include "workflow/quantize.hpp"
#include "workflow/sensitivity.hpp"

/// Requests as JSON. A later program start can use them to repeat work that was not finished. Reading throws
/// base::Error{Corrupt, InvalidArgument} naming origin and field.
namespace nibblesmith::workflow {

/// Converts a request, except onCalibration, which is a function.
base::Json toJson(const QuantizeRequest& request);
QuantizeRequest quantizeRequestFromJson(const base::Json& json, const std::string& origin);

base::Json toJson(const SensitivityRequest& request);
SensitivityRequest sensitivityRequestFromJson(const base::Json& json, const std::string& origin);

base::Json toJson(const EvaluateRequest& request);
EvaluateRequest evaluateRequestFromJson(const base::Json& json, const std::string& origin);

base::Json toJson(const BenchmarkRequest& request);
BenchmarkRequest benchmarkRequestFromJson(const base::Json& json, const std::string& origin);

base::Json toJson(const ExportRequest& request);
ExportRequest exportRequestFromJson(const base::Json& json, const std::string& origin);

/// Converts a request. Stores only the device's name of its access, because the connection settings may have
/// changed when the request is read.
base::Json toJson(const DeployRequest& request);
DeployRequest deployRequestFromJson(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::workflow
