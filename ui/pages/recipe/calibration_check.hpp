// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "calibration/lint.hpp"
#include "ui/session/latest_task.hpp"
#include "workflow/calibration_check.hpp"

#include <QWidget>

#include <optional>

namespace nibblesmith::ui {

class Label;
class Session;

/// Shows problems of the chosen calibration data; checked on a worker, shortly after the last change. GUI
/// thread.
class CalibrationCheck : public QWidget {
  Q_OBJECT

public:
  explicit CalibrationCheck(Session& session, QWidget* parent = nullptr);

  /// Starts a check; for the same request as before, only repeats its error, if there was one.
  void ask(const workflow::CalibrationRequest& request);
  void clear();
  bool isBusy() const { return m_task.isRunning(); }
  QString text() const;

signals:
  /// Emitted with an error message if the data cannot be used.
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
