// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/latest_task.hpp"
#include "workflow/requests.hpp"

#include <QWidget>

#include <optional>

namespace nibblesmith::ui {

class Label;
class Session;

/// What is wrong with the chosen calibration data: looked for on a worker, a moment after the last change.
/// GUI thread.
class CalibrationCheck : public QWidget {
  Q_OBJECT

public:
  explicit CalibrationCheck(Session& session, QWidget* parent = nullptr);

  /// The same question again is answered from memory.
  void ask(const workflow::CalibrationRequest& request);
  void clear();
  bool isBusy() const { return m_task.isRunning(); }
  QString text() const;

signals:
  /// The data cannot be used like this: the sentence that says why.
  void refused(const QString& error);

private:
  void show(const calibration::CalibrationReport& report);

  Session& m_session;
  Label* m_text;
  LatestTask m_task;
  std::optional<workflow::CalibrationRequest> m_request;
  QString m_error;
};

} // namespace nibblesmith::ui
