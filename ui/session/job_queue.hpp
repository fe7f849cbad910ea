// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/job.hpp"

#include <QObject>
#include <QTimer>

#include <memory>
#include <vector>

namespace nibblesmith::ui {

/// The one owner of worker threads for jobs. Jobs wait in line and run one at a time; those marked atOnce run
/// beside. Each job ends exactly once, as finished, failed or cancelled.
/// GUI thread; the job functions run on workers.
class JobQueue : public QObject {
  Q_OBJECT

public:
  explicit JobQueue(QObject* parent = nullptr);
  /// Asks running jobs to stop and waits for them; what they return is dropped.
  ~JobQueue() override;

  JobId add(JobSpec spec);
  /// A waiting job is cancelled now, a running one once its function has followed the stop.
  void cancel(JobId id);
  /// The same work as a new job, for a job that has ended without finishing; 0 otherwise.
  JobId retry(JobId id);
  /// Replaces what a later start of the program needs for a job that has not ended.
  void setRequest(JobId id, base::Json request);
  /// Forgets the jobs that have ended.
  void clearEnded();

  /// In the order in which they were added.
  std::vector<JobId> ids() const;
  /// Null for an unknown id; valid until control returns to the event loop.
  const Job* job(JobId id) const;
  /// The job in line that runs now, or null.
  const Job* current() const;
  int waitingOrRunning() const;

signals:
  void added(quint64 id);
  void changed(quint64 id);
  /// After the changed() that tells its last state. Exactly once per job.
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
