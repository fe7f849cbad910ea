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

/// Progress of one job, passed from the worker to the GUI thread. The worker writes; the GUI thread reads
/// latest(). Notifications are limited to 30 per second, and to steps of 0.1 % or a new stage; the queue's
/// next tick picks up suppressed values. A report without a new stage takes no lock, so a worker that reports
/// in a tight loop does not block the window.
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
  std::atomic<double> m_fraction = 0; ///< written by the worker only
  mutable std::mutex m_mutex;
  std::string m_stage; ///< written by the worker only, under the mutex; the worker reads it without
  // Used by the worker only.
  double m_toldFraction = -1;
  bool m_hasNewStage = true;
  std::chrono::steady_clock::time_point m_toldAt;
};

} // namespace nibblesmith::ui
