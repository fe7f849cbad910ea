// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/job_queue.hpp"
#include "ui/session/latest_task.hpp"

#include <QLockFile>
#include <QObject>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nibblesmith::ui {

/// Job that an earlier program start did not finish.
struct UnfinishedJob {
  JobId id = 0;               ///< id in that program
  std::optional<JobId> after; ///< id in that program; none if that job had finished
  QString title;
  JobKind kind = JobKind::Quantize;
  base::Json request;
};

/// Stores the waiting and running jobs in a file, from which a later program start can offer to resume them.
/// The files are in "<log>.jobs" next to the user's experiment log, one per program, each with a lock file
/// that exists while its program runs. GUI thread; files are written on a worker.
class JobStore : public QObject {
  Q_OBJECT

public:
  JobStore(const std::filesystem::path& log, const JobQueue& queue, QObject* parent = nullptr);
  /// Writes the jobs that are still in the queue; removes the file if there are none.
  ~JobStore() override;

  /// Finds the jobs of programs that no longer run. Their files stay locked during the lifetime of this
  /// object, so two windows do not offer the same jobs.
  void findUnfinished();
  const std::vector<UnfinishedJob>& unfinished() const { return m_unfinished; }
  /// Removes the files of the unfinished jobs.
  void forgetUnfinished();

signals:
  /// Emitted with an error message if the queue cannot be saved, or saved jobs cannot be read.
  void failed(const QString& error);

private:
  struct Left {
    std::filesystem::path file;
    std::unique_ptr<QLockFile> lock;
  };
  void save();
  bool lock();
  void read(Left left);

  const std::filesystem::path m_directory;
  const std::filesystem::path m_file;
  const JobQueue& m_queue;
  QLockFile m_lock;
  std::string m_text; ///< wanted content of the file; empty: no file
  std::optional<LatestTask> m_writing;
  std::vector<Left> m_left;
  std::vector<UnfinishedJob> m_unfinished;
};

} // namespace nibblesmith::ui
