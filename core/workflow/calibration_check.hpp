// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "calibration/lint.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <stop_token>

namespace nibblesmith::workflow {

struct CalibrationRequest {
  std::filesystem::path model;
  std::filesystem::path file;
  std::filesystem::path evaluation; ///< may be empty
  calibration::CalibrationOptions options;

  bool operator==(const CalibrationRequest&) const = default;
};
/// Reports the content of a calibration file for a model, and problems with it. Logs nothing.
calibration::CalibrationReport checkCalibration(const CalibrationRequest& request, const Services& services,
                                                const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::workflow
