// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/job_queue.hpp"

#include "ui/session/job_progress.hpp"

#include <algorithm>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

namespace nibblesmith::ui {

struct JobQueue::Entry {
  Job job;
  JobSpec spec;
  std::shared_ptr<JobProgress> progress;
  base::TimeEstimate time;
  std::jthread thread;
};

namespace {

constexpr int kTickMs = 500;
constexpr int kWorkerNiceness = 5;

/// Lowers the thread's priority below the window's for jobs that use all processors. Threads started by the
/// job inherit it. A benchmark keeps the normal priority, under which its results are reported.
void lowerPriority(JobKind kind) {
  if (kind != JobKind::Benchmark)
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kWorkerNiceness);
}

} // namespace

JobQueue::JobQueue(QObject* parent) : QObject(parent) {
  m_clock.setInterval(kTickMs);
  connect(&m_clock, &QTimer::timeout, this, &JobQueue::tick);
}

JobQueue::~JobQueue() {
  for (const auto& entry : m_entries)
    entry->thread.request_stop();
  m_entries.clear();
}

JobId JobQueue::add(JobSpec spec) {
  auto entry = std::make_unique<Entry>();
  Job& job = entry->job;
  job.id = ++m_lastId;
  job.title = spec.title;
  job.kind = spec.kind;
  job.after = spec.after;
  job.request = spec.request;
  entry->spec = std::move(spec);
  const JobId id = job.id;
  m_entries.push_back(std::move(entry));
  emit added(id);
  startNext();
  return id;
}

void JobQueue::cancel(JobId id) {
  Entry* entry = find(id);
  if (!entry)
    return;
  if (entry->job.state == JobState::Waiting) {
    end(*entry, JobState::Cancelled, {});
    startNext();
  } else if (entry->job.state == JobState::Running) {
    entry->thread.request_stop();
    emit changed(id);
  }
}

JobId JobQueue::retry(JobId id) {
  const Entry* entry = find(id);
  if (!entry || !entry->job.ended() || entry->job.state == JobState::Finished)
    return 0;
  JobSpec spec = entry->spec;
  spec.after.reset();
  return add(std::move(spec));
}

void JobQueue::setRequest(JobId id, base::Json request) {
  Entry* entry = find(id);
  if (!entry || entry->job.ended())
    return;
  entry->spec.request = request; // used by retry()
  entry->job.request = std::move(request);
  emit requestChanged(id);
}

void JobQueue::clearEnded() {
  std::vector<JobId> gone;
  for (const auto& entry : m_entries) {
    const bool isPendingOutput = std::any_of(m_entries.begin(), m_entries.end(), [&](const auto& other) {
      return !other->job.ended() && other->spec.after == entry->job.id;
    });
    if (entry->job.ended() && !isPendingOutput)
      gone.push_back(entry->job.id);
  }
  for (const JobId id : gone) {
    std::erase_if(m_entries, [id](const auto& entry) { return entry->job.id == id; });
    emit removed(id);
  }
}

std::vector<JobId> JobQueue::ids() const {
  std::vector<JobId> ids;
  ids.reserve(m_entries.size());
  for (const auto& entry : m_entries)
    ids.push_back(entry->job.id);
  return ids;
}

const Job* JobQueue::job(JobId id) const {
  const Entry* entry = find(id);
  return entry ? &entry->job : nullptr;
}

const Job* JobQueue::current() const {
  for (const auto& entry : m_entries)
    if (entry->job.state == JobState::Running && !entry->spec.startImmediately)
      return &entry->job;
  return nullptr;
}

int JobQueue::waitingOrRunning() const {
  return static_cast<int>(std::count_if(m_entries.begin(), m_entries.end(),
                                        [](const auto& entry) { return !entry->job.ended(); }));
}

JobQueue::Entry* JobQueue::find(JobId id) const {
  const auto found = std::find_if(m_entries.begin(), m_entries.end(),
                                  [id](const auto& entry) { return entry->job.id == id; });
  return found == m_entries.end() ? nullptr : found->get();
}

void JobQueue::start(Entry& entry) {
  const JobId id = entry.job.id;
  entry.job.state = JobState::Running;
  entry.time.start();
  entry.progress = std::make_shared<JobProgress>([this, id] {
    QMetaObject::invokeMethod(
        this, [this, id] { takeProgress(id); }, Qt::QueuedConnection);
  });
  entry.thread = std::jthread([this, id, kind = entry.spec.kind, function = entry.spec.function,
                               progress = entry.progress](const std::stop_token& stop) {
    lowerPriority(kind);
    JobOutcome outcome = runToOutcome([&] { return function(stop, *progress); });
    QMetaObject::invokeMethod(
        this, [this, id, outcome = std::move(outcome)]() mutable { finish(id, std::move(outcome)); },
        Qt::QueuedConnection);
  });
  m_clock.start();
  emit changed(id);
}

void JobQueue::startNext() {
  // Uses indices, because a slot connected to changed() or ended() may add jobs.
  for (size_t i = 0; i < m_entries.size(); ++i) {
    Entry& entry = *m_entries[i];
    if (entry.job.state != JobState::Waiting)
      continue;
    if (entry.spec.after) {
      const Entry* before = find(*entry.spec.after);
      if (before && !before->job.ended())
        continue;
      if (before && before->job.state != JobState::Finished) {
        end(entry, JobState::Cancelled,
            tr("Not started, because “%1” did not finish.").arg(before->job.title));
        continue;
      }
    }
    if (entry.spec.startImmediately || !current())
      start(entry);
  }
}

void JobQueue::takeProgress(JobId id) {
  Entry* entry = find(id);
  if (!entry || entry->job.state != JobState::Running)
    return;
  JobProgress::Snapshot latest = entry->progress->latest();
  entry->job.fraction = latest.fraction;
  entry->job.stage = std::move(latest.stage);
  entry->job.elapsedSeconds = entry->time.elapsedSeconds();
  entry->job.remainingSeconds = entry->time.remainingSeconds(entry->job.fraction);
  emit changed(id);
}

void JobQueue::finish(JobId id, JobOutcome outcome) {
  Entry* entry = find(id);
  if (!entry || entry->job.ended())
    return;
  entry->thread.join();
  entry->job.result = std::move(outcome.result);
  if (outcome.state == JobState::Finished)
    entry->job.fraction = 1;
  end(*entry, outcome.state, outcome.error);
  startNext();
}

void JobQueue::end(Entry& entry, JobState state, const QString& error) {
  const JobId id = entry.job.id;
  if (entry.job.state == JobState::Running)
    entry.job.elapsedSeconds = entry.time.elapsedSeconds();
  entry.job.state = state;
  entry.job.error = error;
  entry.job.remainingSeconds.reset();
  emit changed(id);
  emit ended(id);
}

void JobQueue::tick() {
  bool isRunning = false;
  for (const JobId id : ids()) {
    const Job* running = job(id);
    if (running && running->state == JobState::Running) {
      isRunning = true;
      takeProgress(id);
    }
  }
  if (!isRunning)
    m_clock.stop();
}

} // namespace nibblesmith::ui
