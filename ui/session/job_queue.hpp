// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/job.hpp"

#include <QObject>
#include <QTimer>

#include <memory>
#include <vector>

namespace nibblesmith::ui {

/// Owner of all worker threads for jobs. Jobs wait in a queue and run one at a time; those marked
/// startImmediately run in parallel. Each job ends exactly once, as finished, failed or cancelled. GUI
/// thread; the job functions run on workers.
class JobQueue : public QObject {
  Q_OBJECT

public:
  explicit JobQueue(QObject* parent = nullptr);
  /// Requests running jobs to stop and waits for them; drops their results.
  ~JobQueue() override;

  JobId add(JobSpec spec);
  /// Cancels a waiting job at once, a running one when its function has reacted to the stop request.
  void cancel(JobId id);
  /// Adds a new job with the same work, for a job that has ended without finishing; otherwise returns 0.
  JobId retry(JobId id);
  /// Replaces the data that a later program start needs for a job that has not ended.
  void setRequest(JobId id, base::Json request);
  /// Removes the jobs that have ended.
  void clearEnded();

  /// Ids in the order in which the jobs were added.
  std::vector<JobId> ids() const;
  /// Returns null for an unknown id. The pointer is valid until control returns to the event loop.
  const Job* job(JobId id) const;
  /// Returns the queued job that runs now, or null.
  const Job* current() const;
  int waitingOrRunning() const;

signals:
  void added(quint64 id);
  void changed(quint64 id);
  /// Emitted exactly once per job, after the changed() for its last state.
  void ended(quint64 id);
  void removed(quint64 id);
  void requestChanged(quint64 id);

private:
  struct Entry;
  Entry* find(JobId id) const;
  void start(Entry& entry);
  void startNext();
  void takeProgress(JobId id);
  void finish(JobId id, JobOutcome outcome);
  void end(Entry& entry, JobState state, const QString& error);
  void tick();

  std::vector<std::unique_ptr<Entry>> m_entries;
  JobId m_lastId = 0;
  QTimer m_clock;
};

} // namespace nibblesmith::ui
