// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/session/job_store.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/path_status.hpp"
#include "ui/session/text.hpp"

#include <QUuid>

#include <algorithm>
#include <array>
#include <utility>

namespace nibblesmith::ui {

namespace {

constexpr int64_t kSchema = 1;
constexpr uint64_t kLargestFile = uint64_t{4} << 20;
constexpr size_t kMostFiles = 64;

/// Persisted: never rename.
constexpr std::array<std::pair<JobKind, const char*>, 6> kKinds = {{{JobKind::Quantize, "quantize"},
                                                                    {JobKind::Sensitivity, "sensitivity"},
                                                                    {JobKind::Evaluate, "evaluate"},
                                                                    {JobKind::Benchmark, "benchmark"},
                                                                    {JobKind::Export, "export"},
                                                                    {JobKind::Deploy, "deploy"}}};

const char* nameOf(JobKind kind) {
  const auto found =
      std::find_if(kKinds.begin(), kKinds.end(), [kind](const auto& known) { return known.first == kind; });
  return found == kKinds.end() ? "" : found->second;
}

JobKind kindFrom(const base::Json& json, const std::string& origin) {
  const auto name = base::required<std::string>(json, "kind", origin);
  for (const auto& [kind, known] : kKinds)
    if (name == known)
      return kind;
  base::throwJsonType(json, "kind", "a kind of job", origin);
}

/// Returns the waiting and running jobs that can be repeated, as JSON text; "" for none.
std::string textOf(const JobQueue& queue) {
  base::Json jobs = base::Json::array();
  for (const JobId id : queue.ids()) {
    const Job& job = *queue.job(id);
    if (!job.ended() && !job.request.is_null())
      jobs.push_back({{"id", job.id},
                      {"after", job.after ? base::Json(*job.after) : base::Json()},
                      {"title", job.title.toStdString()},
                      {"kind", nameOf(job.kind)},
                      {"request", job.request}});
  }
  if (jobs.empty())
    return {};
  return base::Json{{"schema", kSchema}, {"jobs", jobs}}.dump(1, ' ', false,
                                                              base::Json::error_handler_t::replace) +
         "\n";
}

std::vector<UnfinishedJob> jobsIn(const std::filesystem::path& file) {
  const std::string origin = file.string();
  const base::Json json = base::parseJson(base::readTextFile(file, kLargestFile), origin);
  if (base::required<int64_t>(json, "schema", origin) != kSchema)
    base::throwJsonType(json, "schema", std::to_string(kSchema), origin);
  const auto list = base::required<base::Json>(json, "jobs", origin);
  std::vector<UnfinishedJob> jobs;
  for (const base::Json& entry : list.is_array() ? list : base::Json::array()) {
    UnfinishedJob job;
    job.id = base::required<uint64_t>(entry, "id", origin);
    if (const auto after = base::optional<uint64_t>(entry, "after", 0, origin); after != 0)
      job.after = after;
    job.title = toQString(std::string_view(base::required<std::string>(entry, "title", origin)));
    job.kind = kindFrom(entry, origin);
    job.request = base::required<base::Json>(entry, "request", origin);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

/// Writes the file; removes it if the text is "".
void write(const std::filesystem::path& file, const std::string& text) {
  if (!text.empty())
    return base::writeFileAtomically(file, text);
  std::error_code failure;
  std::filesystem::remove(file, failure);
  if (failure)
    throw base::Error(base::ErrorCode::Io, "cannot remove '" + file.string() + "': " + failure.message());
}

QString lockFileOf(const std::filesystem::path& file) { return toQString(file) + QStringLiteral(".lock"); }

std::filesystem::path newFileIn(const std::filesystem::path& directory) {
  return directory / (QUuid::createUuid().toString(QUuid::WithoutBraces).toStdString() + ".json");
}

} // namespace

JobStore::JobStore(const std::filesystem::path& log, const JobQueue& queue, QObject* parent)
    : QObject(parent), m_directory(log.string() + ".jobs"), m_file(newFileIn(m_directory)), m_queue(queue),
      m_lock(lockFileOf(m_file)), m_writing(std::in_place) {
  m_lock.setStaleLockTime(0); // a lock is stale when its program has ended, whatever its age
  connect(&queue, &JobQueue::added, this, &JobStore::save);
  connect(&queue, &JobQueue::ended, this, &JobStore::save);
  connect(&queue, &JobQueue::requestChanged, this, &JobStore::save);
  connect(&*m_writing, &LatestTask::failed, this, &JobStore::failed);
}

JobStore::~JobStore() {
  m_writing.reset(); // waits for a write in progress
  try {
    if (m_lock.isLocked())
      write(m_file, m_text);
  } catch (const base::Error&) {
    // The window no longer exists, so the error cannot be shown.
  }
  m_lock.unlock();
  m_left.clear();
  std::error_code isStillUsed;
  std::filesystem::remove(m_directory, isStillUsed);
}

bool JobStore::lock() {
  if (m_lock.isLocked())
    return true;
  std::error_code failure;
  std::filesystem::create_directories(m_directory, failure);
  if (m_lock.tryLock(0))
    return true;
  emit failed(tr("The queue cannot be kept for another start of the program: cannot write into '%1'.")
                  .arg(foreignText(toQString(m_directory))));
  return false;
}

void JobStore::save() {
  std::string text = textOf(m_queue);
  if (text == m_text || (!text.empty() && !lock()))
    return;
  m_text = std::move(text);
  m_writing->start([file = m_file, wanted = m_text](const std::stop_token&) -> std::any {
    write(file, wanted);
    return {};
  });
}

void JobStore::findUnfinished() {
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path& entry : base::readableEntries(m_directory))
    if (entry.extension() == ".json" && entry != m_file && files.size() < kMostFiles)
      files.push_back(entry);
  for (const std::filesystem::path& file : files) {
    auto lock = std::make_unique<QLockFile>(lockFileOf(file));
    lock->setStaleLockTime(0);
    if (lock->tryLock(0) && base::pathExists(file))
      read({file, std::move(lock)});
  }
}

void JobStore::read(Left left) {
  try {
    // Ids are made unique: two programs may have used the same ones.
    const JobId offset = m_unfinished.empty() ? 0 : m_unfinished.back().id;
    std::vector<UnfinishedJob> jobs = jobsIn(left.file);
    for (UnfinishedJob& job : jobs) {
      job.id += offset;
      if (job.after)
        *job.after += offset;
      m_unfinished.push_back(std::move(job));
    }
    m_left.push_back(std::move(left));
  } catch (const base::Error& error) {
    emit failed(tr("Jobs of an earlier start are lost: %1. Delete the file to be rid of this message.")
                    .arg(toQString(std::string_view(error.what()))));
  }
}

void JobStore::forgetUnfinished() {
  for (Left& left : m_left) {
    std::error_code ignored;
    std::filesystem::remove(left.file, ignored);
    left.lock->unlock();
  }
  m_left.clear();
  m_unfinished.clear();
}

} // namespace nibblesmith::ui
