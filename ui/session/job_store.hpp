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

/// A job that an earlier start of the program did not finish.
struct UnfinishedJob {
  JobId id = 0;               ///< in that program
  std::optional<JobId> after; ///< likewise; of a job that had finished: none
  QString title;
  JobKind kind = JobKind::Quantize;
  base::Json request;
};

/// Keeps the jobs that wait and run in a file, so that a later start of the program can offer to go on with
/// them. The files lie in "<log>.jobs" beside the user's experiment log, one per program, each with a lock
/// beside it for as long as its program runs. GUI thread; files are written on a worker.
class JobStore : public QObject {
  Q_OBJECT

public:
  JobStore(const std::filesystem::path& log, const JobQueue& queue, QObject* parent = nullptr);
  /// Writes what is still in the queue; removes the file where that is nothing.
  ~JobStore() override;

  /// Looks for what was left by programs that do not run any more. Their files stay locked until this object
  /// ends, so that two windows do not offer the same jobs.
  void findUnfinished();
  const std::vector<UnfinishedJob>& unfinished() const { return m_unfinished; }
  /// Removes the files of the unfinished jobs.
  void forgetUnfinished();

signals:
  /// The queue cannot be kept, or what was kept cannot be read: the sentence that says why.
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
  std::string m_text; ///< what the file should hold; empty: no file
  std::optional<LatestTask> m_writing;
  std::vector<Left> m_left;
  std::vector<UnfinishedJob> m_unfinished;
};

} // namespace nibblesmith::ui
