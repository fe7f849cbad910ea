// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "tensor/distance.hpp"

#include <string>
#include <vector>

namespace nibblesmith::quantization {

/// Result of quantizing one linear layer.
struct LayerReport {
  std::string name;
  /// Requested format: "4-bit group 128 symmetric", "8-bit per channel symmetric, input 8-bit per token
  /// dynamic".
  std::string requested;
  std::string effective; ///< format actually used; differs from `requested` only after a fallback
  tensor::Distance weightError;
  double relativeOutputError = 0; ///< sqrt(tr(dW H dW^T) / tr(W H W^T)); 0 without calibration
  std::vector<std::string> fallbacks;
  double seconds = 0; ///< 0 for a layer reused from an earlier run
};

/// Converts to JSON, the same in block files, nibblesmith.json and the programs' output. Times are left out,
/// so that the same run gives the same bytes.
base::Json toJson(const LayerReport& report);
/// Parses the JSON of toJson(). Throws base::Error{Corrupt} with origin and field.
LayerReport layerReportFromJson(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::quantization
