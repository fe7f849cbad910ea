// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/job_queue.hpp"

#include <QAbstractTableModel>

#include <vector>

namespace nibblesmith::ui {

/// Table model of the queue. GUI thread.
class JobModel : public QAbstractTableModel {
  Q_OBJECT

public:
  enum Columns { Title, Progress, Elapsed, Remaining, ColumnCount };
  enum Roles { IdRole = Qt::UserRole + 10, StateRole, FractionRole };

  explicit JobModel(const JobQueue& queue, QObject* parent = nullptr);

  JobId id(int row) const { return m_ids.at(static_cast<size_t>(row)); }
  const Job* job(const QModelIndex& index) const;
  int rowOf(JobId id) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
  void onAdded(quint64 id);
  void onChanged(quint64 id);
  void onRemoved(quint64 id);
  QString text(const Job& job, int column) const;

  const JobQueue& m_queue;
  std::vector<JobId> m_ids;
};

/// Returns the state for display: "waiting", "finished", ...
QString stateText(const Job& job);

} // namespace nibblesmith::ui
