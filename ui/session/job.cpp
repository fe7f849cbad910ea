// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/job.hpp"

#include "base/error.hpp"
#include "ui/session/text.hpp"

#include <QCoreApplication>

#include <new>

namespace nibblesmith::ui {

JobOutcome runToOutcome(const std::function<std::any()>& function) {
  try {
    return {JobState::Finished, {}, function()};
  } catch (const base::Cancelled&) {
    return {JobState::Cancelled, {}, {}};
  } catch (const std::bad_alloc&) {
    return {JobState::Failed,
            QCoreApplication::translate("Job",
                                        "There is not enough memory for this. Close other programs, or "
                                        "take a smaller model or fewer calibration samples."),
            {}};
  } catch (const std::exception& error) {
    return {JobState::Failed, toQString(std::string_view(error.what())), {}};
  } catch (...) {
    return {JobState::Failed, QCoreApplication::translate("Job", "An unknown error ended this job."), {}};
  }
}

} // namespace nibblesmith::ui
