// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.hpp"
#include "base/progress.hpp"

#include <QString>

#include <any>
#include <functional>
#include <optional>
#include <stop_token>

namespace nibblesmith::ui {

using JobId = quint64;

enum class JobKind {
  Quantize,
  Sensitivity,
  Evaluate,
  Benchmark,
  Export,
  Deploy,
  Probe,
  RollBack,
  DeleteFiles
};
enum class JobState { Waiting, Running, Finished, Failed, Cancelled };

/// What a job does, on a worker thread. Reports with base::Error or any std::exception that it failed and
/// with base::Cancelled that it followed the stop.
using JobFunction = std::function<std::any(const std::stop_token&, base::Progress&)>;

struct JobSpec {
  QString title;
  JobKind kind = JobKind::Quantize;
  JobFunction function;
  /// Runs only once that job has finished; is cancelled where it failed or was cancelled.
  std::optional<JobId> after;
  /// Starts at once beside the others, for short work that would otherwise wait for hours.
  bool atOnce = false;
  /// What a later start of the program needs to do this job, see JobStore; null: the job ends with the
  /// program.
  base::Json request = {};
};

/// A job as it stands. GUI thread.
struct Job {
  JobId id = 0;
  QString title;
  JobKind kind = JobKind::Quantize;
  JobState state = JobState::Waiting;
  double fraction = 0;
  QString stage;
  double elapsedSeconds = 0;
  std::optional<double> remainingSeconds;
  QString error;              ///< of a failed job; why a job was cancelled that nobody cancelled
  std::any result;            ///< what the function returned, once finished
  std::optional<JobId> after; ///< as in JobSpec
  base::Json request;         ///< as in JobSpec

  bool ended() const { return state != JobState::Waiting && state != JobState::Running; }
};

/// What became of one call of a job function.
struct JobOutcome {
  JobState state = JobState::Finished;
  QString error;
  std::any result;
};

/// Calls the function and turns every exception into an outcome: the edge where errors of a job end. Any
/// thread.
JobOutcome runToOutcome(const std::function<std::any()>& function);

} // namespace nibblesmith::ui
