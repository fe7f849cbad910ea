// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/job_model.hpp"

#include "ui/models/number_text.hpp"
#include "ui/models/tool_tip_text.hpp"
#include "ui/session/text.hpp"

#include <QCoreApplication>

#include <algorithm>

namespace nibblesmith::ui {

QString stateText(const Job& job) {
  const auto tr = [](const char* text) { return QCoreApplication::translate("JobState", text); };
  switch (job.state) {
  case JobState::Waiting:
    return tr("waiting");
  case JobState::Running:
    return job.stage.isEmpty() ? tr("starting") : job.stage;
  case JobState::Finished:
    return tr("finished");
  case JobState::Failed:
    return tr("failed");
  case JobState::Cancelled:
    return tr("cancelled");
  }
  return {};
}

JobModel::JobModel(const JobQueue& queue, QObject* parent)
    : QAbstractTableModel(parent), m_queue(queue), m_ids(queue.ids()) {
  connect(&queue, &JobQueue::added, this, &JobModel::onAdded);
  connect(&queue, &JobQueue::changed, this, &JobModel::onChanged);
  connect(&queue, &JobQueue::removed, this, &JobModel::onRemoved);
}

const Job* JobModel::job(const QModelIndex& index) const {
  return index.isValid() ? m_queue.job(id(index.row())) : nullptr;
}

int JobModel::rowOf(JobId id) const {
  const auto found = std::find(m_ids.begin(), m_ids.end(), id);
  return found == m_ids.end() ? -1 : static_cast<int>(found - m_ids.begin());
}

int JobModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_ids.size());
}

int JobModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QVariant JobModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid))
    return {};
  const Job* job = this->job(index);
  if (!job)
    return {};
  switch (role) {
  case Qt::DisplayRole:
    return foreignText(text(*job, index.column()));
  case Qt::ToolTipRole:
    return toolTipText(job->error.isEmpty() ? job->title : job->title + QLatin1Char('\n') + job->error);
  case Qt::TextAlignmentRole:
    return static_cast<int>((index.column() >= Elapsed ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  case IdRole:
    return job->id;
  case StateRole:
    return static_cast<int>(job->state);
  case FractionRole:
    return job->fraction;
  default:
    return {};
  }
}

QString JobModel::text(const Job& job, int column) const {
  switch (column) {
  case Title:
    return job.title;
  case Progress:
    return stateText(job);
  case Elapsed:
    // A job that was cancelled while it waited has no running time.
    return job.state == JobState::Waiting || (job.ended() && job.elapsedSeconds == 0)
               ? QString()
               : durationText(job.elapsedSeconds);
  case Remaining:
    return job.state != JobState::Running ? QString()
           : job.remainingSeconds         ? durationText(job.remainingSeconds)
                                          : tr("estimating");
  default:
    return {};
  }
}

QVariant JobModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
    return QAbstractTableModel::headerData(section, orientation, role);
  if (role == Qt::TextAlignmentRole)
    return static_cast<int>((section >= Elapsed ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  if (role != Qt::DisplayRole)
    return {};
  const QString titles[] = {tr("Job"), tr("Progress"), tr("Elapsed"), tr("Time left")};
  return titles[section];
}

void JobModel::onAdded(quint64 id) {
  const int row = rowCount();
  beginInsertRows({}, row, row);
  m_ids.push_back(id);
  endInsertRows();
}

void JobModel::onChanged(quint64 id) {
  if (const int row = rowOf(id); row >= 0)
    emit dataChanged(index(row, 0), index(row, ColumnCount - 1));
}

void JobModel::onRemoved(quint64 id) {
  const int row = rowOf(id);
  if (row < 0)
    return;
  beginRemoveRows({}, row, row);
  m_ids.erase(m_ids.begin() + row);
  endRemoveRows();
}

} // namespace nibblesmith::ui
