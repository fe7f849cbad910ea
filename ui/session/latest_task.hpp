// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/job.hpp"

#include <QObject>
#include <QTimer>

#include <any>
#include <functional>
#include <thread>

namespace nibblesmith::ui {

/// Task that delivers only the result of its latest call, such as reading a model or estimating a recipe. One
/// call runs at a time on a worker. A new call waits for it to end, replaces any that waits, and the results
/// of replaced calls are dropped. GUI thread; the functions run on a worker.
class LatestTask : public QObject {
  Q_OBJECT

public:
  using Function = std::function<std::any(const std::stop_token&)>;

  explicit LatestTask(QObject* parent = nullptr);
  ~LatestTask() override;

  void start(Function function);
  /// Starts after a delay, unless another call comes first; for input that changes with every key press.
  void startAfter(int delayMs, Function function);
  /// Drops the result of the current call.
  void cancel();
  bool isRunning() const { return m_wanted; }

signals:
  void done(const std::any& answer);
  void failed(const QString& error);

private:
  void launch(Function function);
  void finish(JobOutcome outcome);

  QTimer m_delay;
  Function m_delayed; ///< started by m_delay
  Function m_next;    ///< started after the running one
  std::jthread m_thread;
  bool m_busy = false;
  bool m_wanted = false;
};

} // namespace nibblesmith::ui
