// SPDX-License-Identifier: Apache-2.0
#include "quantization/layer_report.hpp"

#include <cmath>
#include <limits>

namespace nibblesmith::quantization {

using base::Json;

Json toJson(const LayerReport& report) {
  const double snr = report.weightError.signalToNoiseDb;
  // JSON has no infinity, so null stands for an exact result.
  return {{"name", report.name},
          {"requested", report.requested},
          {"effective", report.effective},
          {"meanSquaredError", report.weightError.meanSquaredError},
          {"maxAbsoluteError", report.weightError.maxAbsoluteError},
          {"signalToNoiseDb", std::isfinite(snr) ? Json(snr) : Json()},
          {"cosine", report.weightError.cosine},
          {"relativeOutputError", report.relativeOutputError},
          {"fallbacks", report.fallbacks}};
}

LayerReport layerReportFromJson(const Json& json, const std::string& origin) {
  LayerReport report;
  report.name = base::required<std::string>(json, "name", origin);
  report.requested = base::required<std::string>(json, "requested", origin);
  report.effective = base::required<std::string>(json, "effective", origin);
  report.weightError.meanSquaredError = base::required<double>(json, "meanSquaredError", origin);
  report.weightError.maxAbsoluteError = base::required<double>(json, "maxAbsoluteError", origin);
  report.weightError.signalToNoiseDb =
      base::optional(json, "signalToNoiseDb", std::numeric_limits<double>::infinity(), origin);
  report.weightError.cosine = base::required<double>(json, "cosine", origin);
  report.relativeOutputError = base::required<double>(json, "relativeOutputError", origin);
  report.fallbacks = base::required<std::vector<std::string>>(json, "fallbacks", origin);
  return report;
}

} // namespace nibblesmith::quantization
