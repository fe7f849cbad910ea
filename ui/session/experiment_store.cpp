// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/experiment_store.hpp"

#include "ui/session/text.hpp"

#include <QDateTime>
#include <QFileInfo>

namespace nibblesmith::ui {

namespace {

constexpr int kWatchMs = 2000;

/// Returns size and time of the log and of SQLite's write-ahead file. Reading changes both; the stamp is
/// therefore taken after each read. A file watcher would report these reads.
QString stampOf(const std::filesystem::path& log) {
  QString stamp;
  for (const QString& suffix : {QString(), QStringLiteral("-wal")}) {
    const QFileInfo file(toQString(log) + suffix);
    stamp += QStringLiteral("%1/%2;").arg(file.size()).arg(file.lastModified().toMSecsSinceEpoch());
  }
  return stamp;
}

} // namespace

ExperimentStore::ExperimentStore(std::filesystem::path log, Reader reader, QObject* parent)
    : QObject(parent), m_log(std::move(log)), m_reader(std::move(reader)) {
  connect(&m_task, &LatestTask::done, this,
          [this](const std::any& answer) { show(std::any_cast<const Rows&>(answer), {}); });
  connect(&m_task, &LatestTask::failed, this, [this](const QString& error) { show(m_rows, error); });
  m_watch.setInterval(kWatchMs);
  connect(&m_watch, &QTimer::timeout, this, &ExperimentStore::look);
  m_watch.start();
}

void ExperimentStore::refresh() {
  m_task.start([reader = m_reader, log = m_log](const std::stop_token& stop) -> std::any {
    return reader(log, stop);
  });
}

void ExperimentStore::setLog(std::filesystem::path log, Rows rows) {
  m_task.cancel();
  m_log = std::move(log);
  show(std::move(rows), {});
}

void ExperimentStore::show(Rows rows, QString error) {
  m_rows = std::move(rows);
  m_error = std::move(error);
  m_loaded = true;
  m_stamp = stampOf(m_log);
  emit changed();
}

void ExperimentStore::look() {
  if (!m_task.isRunning() && m_loaded && stampOf(m_log) != m_stamp)
    refresh();
}

} // namespace nibblesmith::ui
