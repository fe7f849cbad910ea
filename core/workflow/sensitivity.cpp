// SPDX-License-Identifier: Apache-2.0
#include "workflow/sensitivity.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "calibration/calibration_set.hpp"
#include "workflow/resolved_plan.hpp"

#include <algorithm>

namespace nibblesmith::workflow {

quantization::Sensitivity sensitivity(const SensitivityRequest& request, const Services& services,
                                      const std::stop_token& stop, base::Progress& progress) {
  if (request.calibrationFile.empty())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "calibration: sensitivity needs a file of prompts, found none");
  progress.report(0, "reading the model");
  const auto plan = planFor(model::openModel(request.model, stop), request.recipe, services);
  calibration::CalibrationOptions options = request.recipe.calibration;
  options.samples = request.sequences;
  options.length = std::min(options.length, request.tokens);
  base::ThreadPool pool(services.threads);
  base::SubProgress reading(progress, 0.0, 0.02, "calibration data");
  const auto set = calibration::loadCalibration(
      request.calibrationFile, calibration::contextOf(plan->source, stop), options, pool, stop, reading);
  base::SubProgress measuring(progress, 0.02, 1.0, "sensitivity");
  return quantization::measureSensitivity(*plan, set, request.options, pool, stop, measuring);
}

} // namespace nibblesmith::workflow
