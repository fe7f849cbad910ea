// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/sensitivity.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <stop_token>

namespace nibblesmith::workflow {

struct SensitivityRequest {
  std::filesystem::path model;
  quantization::Recipe recipe;
  std::filesystem::path calibrationFile;
  int64_t sequences = 4; ///< number of calibration sequences that the layers are measured on
  int64_t tokens = 256;  ///< maximum per sequence
  quantization::SensitivityOptions options;
};
/// Measures the error of each layer at each bit width; see quantization::measureSensitivity(). Logs nothing.
quantization::Sensitivity sensitivity(const SensitivityRequest& request, const Services& services,
                                      const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::workflow
