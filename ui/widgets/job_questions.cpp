// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/job_questions.hpp"

#include "ui/models/number_text.hpp"
#include "ui/session/job_queue.hpp"
#include "ui/session/text.hpp"

#include <QCoreApplication>

#include <algorithm>

namespace nibblesmith::ui {

namespace {

constexpr size_t kMostNamed = 8;

QString tr(const char* text) { return QCoreApplication::translate("JobQuestions", text); }

/// Returns "Quantize demo, GPTQ 4-bit: 45 %, running for 3 min 05 s".
QString lineOf(const Job& job) {
  const QString state = job.state == JobState::Running ? tr("%1 %, running for %2")
                                                             .arg(QString::number(job.fraction * 100, 'f', 0),
                                                                  durationText(job.elapsedSeconds))
                                                       : tr("waiting");
  return QStringLiteral("• %1: %2").arg(foreignText(job.title), state);
}

QString linesOf(const JobQueue& queue, const std::vector<JobId>& ids) {
  QStringList lines;
  for (size_t i = 0; i < std::min(ids.size(), kMostNamed); ++i)
    lines << lineOf(*queue.job(ids[i]));
  if (ids.size() > kMostNamed)
    lines << tr("• and %1 more").arg(ids.size() - kMostNamed);
  return lines.join(QLatin1Char('\n'));
}

QString withNote(const QString& lines, const QString& note) {
  return QStringLiteral("%1\n\n%2").arg(lines, note);
}

bool areAllOfKind(const JobQueue& queue, const std::vector<JobId>& ids, JobKind kind) {
  return std::all_of(ids.begin(), ids.end(), [&](JobId id) { return queue.job(id)->kind == kind; });
}

} // namespace

Question quitQuestion(const JobQueue& queue) {
  std::vector<JobId> open;
  for (const JobId id : queue.ids())
    if (!queue.job(id)->ended())
      open.push_back(id);
  const bool areAllKept =
      std::all_of(open.begin(), open.end(), [&](JobId id) { return !queue.job(id)->request.is_null(); });
  const QString note =
      areAllKept
          ? tr("The next start offers to resume what is unfinished. A quantization goes on at its last "
               "finished block; other jobs start from their beginning.")
          : tr("The next start offers to resume what is unfinished, except connection tests, "
               "roll-backs and deletions: these are cancelled.");
  return {tr("Jobs are not finished"),
          open.size() == 1 ? tr("Quit although a job is not finished?")
                           : tr("Quit although %1 jobs are not finished?").arg(open.size()),
          withNote(linesOf(queue, open), note), tr("Quit"), tr("Keep working")};
}

Question cancelQuestion(const JobQueue& queue, const std::vector<JobId>& running) {
  const QString note = areAllOfKind(queue, running, JobKind::Quantize)
                           ? tr("Its finished blocks are kept: Retry goes on behind them.")
                           : tr("What is done so far is lost, except the finished blocks of a quantization.");
  return {tr("Cancel a running job"),
          running.size() == 1 ? tr("Cancel this job?")
                              : tr("Cancel these %1 running jobs?").arg(running.size()),
          withNote(linesOf(queue, running), note),
          running.size() == 1 ? tr("Cancel the job") : tr("Cancel the jobs"), tr("Keep running")};
}

} // namespace nibblesmith::ui
