// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/job.hpp"

#include <QObject>
#include <QTimer>

#include <any>
#include <functional>
#include <thread>

namespace nibblesmith::ui {

/// A question whose answer is wanted for its newest wording only: what a model holds, what a recipe will
/// cost. One call runs at a time on a worker; a new one waits for it to come back, replaces any that waits,
/// and the answer to a replaced question is dropped. GUI thread; the functions run on a worker.
class LatestTask : public QObject {
  Q_OBJECT

public:
  using Function = std::function<std::any(const std::stop_token&)>;

  explicit LatestTask(QObject* parent = nullptr);
  ~LatestTask() override;

  void start(Function function);
  /// The same a moment later, unless another question comes before: for what changes with every key that is
  /// pressed.
  void startAfter(int delayMs, Function function);
  /// Drops the answer that is being waited for.
  void cancel();
  bool isRunning() const { return m_wanted; }

signals:
  void done(const std::any& answer);
  void failed(const QString& error);

private:
  void launch(Function function);
  void finish(JobOutcome outcome);

  QTimer m_delay;
  Function m_delayed; ///< what m_delay starts
  Function m_next;    ///< what follows the running one
  std::jthread m_thread;
  bool m_busy = false;
  bool m_wanted = false;
};

} // namespace nibblesmith::ui
