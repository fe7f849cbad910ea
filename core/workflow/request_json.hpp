// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workflow/requests.hpp"

/// Requests as JSON, so that work which a program did not finish can be asked for again by a later one.
/// Reading throws base::Error{Corrupt, InvalidArgument} naming origin and field.
namespace nibblesmith::workflow {

/// Without onCalibration, which is a function.
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

/// Of the access, the device's name alone: how it is reached may have changed until the request is read.
base::Json toJson(const DeployRequest& request);
DeployRequest deployRequestFromJson(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::workflow
