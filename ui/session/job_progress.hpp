// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/progress.hpp"

#include <QString>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>

namespace nibblesmith::ui {

/// The progress of one job on its way from the worker to the GUI thread: the worker writes, the GUI thread
/// reads latest(), and is told at most 30 times a second and only of steps of 0.1 % or a new stage. What the
/// throttle held back is seen at the queue's next tick. A report that brings no new stage takes no lock, so
/// that a worker which reports in a tight loop does not keep the window waiting for one.
class JobProgress final : public base::Progress {
public:
  struct Snapshot {
    double fraction = 0;
    QString stage;
  };

  /// notify is called on the worker thread.
  explicit JobProgress(std::function<void()> notify) : m_notify(std::move(notify)) {}

  void report(double fraction, std::string_view stage) override;
  Snapshot latest() const;

private:
  std::function<void()> m_notify;
  std::atomic<double> m_fraction = 0; ///< written by the worker alone
  mutable std::mutex m_mutex;
  std::string m_stage; ///< written by the worker alone, under the mutex: it reads without
  // The worker's own:
  double m_toldFraction = -1;
  bool m_hasNewStage = true;
  std::chrono::steady_clock::time_point m_toldAt;
};

} // namespace nibblesmith::ui
