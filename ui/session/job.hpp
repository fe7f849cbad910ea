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

/// Work of a job, called on a worker thread. Throws base::Error or another std::exception if it failed, and
/// base::Cancelled after a stop request.
using JobFunction = std::function<std::any(const std::stop_token&, base::Progress&)>;

struct JobSpec {
  QString title;
  JobKind kind = JobKind::Quantize;
  JobFunction function;
  /// Job that must finish before this one starts. If it fails or is cancelled, this job is cancelled.
  std::optional<JobId> after;
  /// Starts at once beside other jobs; for short work that would otherwise wait for hours.
  bool startImmediately = false;
  /// Data that a later program start needs to do this job, see JobStore; null: the job ends with the program.
  base::Json request = {};
};

/// State of a job. GUI thread.
struct Job {
  JobId id = 0;
  QString title;
  JobKind kind = JobKind::Quantize;
  JobState state = JobState::Waiting;
  double fraction = 0;
  QString stage;
  double elapsedSeconds = 0;
  std::optional<double> remainingSeconds;
  QString error;              ///< of a failed job, or the reason why a job was cancelled automatically
  std::any result;            ///< value returned by the function, once finished
  std::optional<JobId> after; ///< see JobSpec
  base::Json request;         ///< see JobSpec

  bool ended() const { return state != JobState::Waiting && state != JobState::Running; }
};

/// Outcome of one call of a job function.
struct JobOutcome {
  JobState state = JobState::Finished;
  QString error;
  std::any result;
};

/// Calls the function and converts every exception to an outcome. Errors of a job are caught here only. Any
/// thread.
JobOutcome runToOutcome(const std::function<std::any()>& function);

} // namespace nibblesmith::ui
