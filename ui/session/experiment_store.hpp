// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "experiments/experiment_log.hpp"
#include "ui/session/latest_task.hpp"

#include <QObject>
#include <QTimer>

#include <filesystem>
#include <functional>
#include <stop_token>
#include <vector>

namespace nibblesmith::ui {

/// Cached rows of the experiment log. Reads them on a worker, on request and when another program has written
/// to the file. GUI thread.
class ExperimentStore : public QObject {
  Q_OBJECT

public:
  using Rows = std::vector<experiments::ExperimentRow>;
  using Reader = std::function<Rows(const std::filesystem::path& log, const std::stop_token& stop)>;

  ExperimentStore(std::filesystem::path log, Reader reader, QObject* parent = nullptr);

  const std::filesystem::path& path() const { return m_log; }
  const Rows& rows() const { return m_rows; }
  /// Reason why the last read failed; empty if it succeeded.
  const QString& error() const { return m_error; }
  bool isLoaded() const { return m_loaded; }
  bool isReading() const { return m_task.isRunning(); }
  void refresh();
  /// Switches to another log whose rows have been read already.
  void setLog(std::filesystem::path log, Rows rows);

signals:
  void changed();

private:
  void look();
  void show(Rows rows, QString error);

  std::filesystem::path m_log;
  Reader m_reader;
  Rows m_rows;
  QString m_error;
  QString m_stamp;
  bool m_loaded = false;
  LatestTask m_task;
  QTimer m_watch;
};

} // namespace nibblesmith::ui
