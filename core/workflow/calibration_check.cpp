// SPDX-License-Identifier: Apache-2.0
#include "workflow/calibration_check.hpp"

#include "base/thread_pool.hpp"
#include "model/model.hpp"

namespace nibblesmith::workflow {

calibration::CalibrationReport checkCalibration(const CalibrationRequest& request, const Services& services,
                                                const std::stop_token& stop, base::Progress& progress) {
  base::ThreadPool pool(services.threads);
  return calibration::lint(request.file, request.evaluation,
                           calibration::contextOf(model::openModel(request.model), stop), request.options,
                           pool, stop, progress);
}

} // namespace nibblesmith::workflow
