// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/job.hpp"
#include "ui/widgets/message_dialog.hpp"

#include <vector>

namespace nibblesmith::ui {

class JobQueue;

/// What is asked before the program ends with jobs that wait or run.
Question quitQuestion(const JobQueue& queue);
/// What is asked before running jobs are cancelled.
Question cancelQuestion(const JobQueue& queue, const std::vector<JobId>& running);

} // namespace nibblesmith::ui
