// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/job.hpp"
#include "ui/widgets/message_dialog.hpp"

#include <vector>

namespace nibblesmith::ui {

class JobQueue;

/// Returns the question to ask before the program ends with waiting or running jobs.
Question quitQuestion(const JobQueue& queue);
/// Returns the question to ask before running jobs are cancelled.
Question cancelQuestion(const JobQueue& queue, const std::vector<JobId>& running);

} // namespace nibblesmith::ui
