// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/calibration_check.hpp"

#include "calibration/lint.hpp"
#include "ui/models/number_text.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "workflow/calibration_check.hpp"

#include <QVBoxLayout>

namespace nibblesmith::ui {

namespace {
constexpr int kDelayMs = 500;

QString lineOf(const calibration::Finding& finding) {
  QStringList examples;
  for (const std::string& example : finding.examples)
    examples << toQString(std::string_view(example));
  QString line = QStringLiteral("⚠ ") + toQString(std::string_view(finding.message));
  if (!examples.isEmpty())
    line +=
        QStringLiteral(" (%1%2)").arg(examples.join(QStringLiteral(", ")),
                                      finding.count > examples.size() ? QStringLiteral(", …") : QString());
  return line;
}

} // namespace

CalibrationCheck::CalibrationCheck(Session& session, QWidget* parent)
    : QWidget(parent), m_session(session), m_text(makeHint()) {
  m_text->setObjectName(QStringLiteral("calibrationFindings"));
  setHelp(m_text,
          tr("Duplicates, short prompts, missing BOS, chat templates, and overlap with the evaluation text"));
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(m_text);
  connect(&m_task, &LatestTask::done, this, [this](const std::any& answer) {
    show(std::any_cast<const calibration::CalibrationReport&>(answer));
  });
  connect(&m_task, &LatestTask::failed, this, [this](const QString& error) {
    m_error = error;
    m_text->clear();
    emit refused(error);
  });
}

void CalibrationCheck::ask(const workflow::CalibrationRequest& request) {
  if (m_request == request) {
    if (!m_error.isEmpty())
      emit refused(m_error);
    return;
  }
  m_request = request;
  m_error.clear();
  m_text->setText(tr("Looking at the data…"));
  m_task.startAfter(kDelayMs,
                    [check = m_session.calls().checkCalibration, request,
                     services = m_session.services()](const std::stop_token& stop) -> std::any {
                      base::NoProgress progress;
                      return check(request, services, stop, progress);
                    });
}

void CalibrationCheck::clear() {
  m_task.cancel();
  m_request.reset();
  m_error.clear();
  m_text->clear();
}

QString CalibrationCheck::text() const { return m_text->text(); }

void CalibrationCheck::show(const calibration::CalibrationReport& report) {
  QStringList lines = {tr("%1 samples, %2 tokens")
                           .arg(report.set.sequences.size())
                           .arg(wholeText(static_cast<uint64_t>(report.tokens)))};
  if (!report.chatTemplate.empty())
    lines.front() += tr(", chat template %1").arg(toQString(std::string_view(report.chatTemplate)));
  if (report.findings.empty())
    lines.front() += tr(", no trouble found");
  for (const calibration::Finding& finding : report.findings)
    lines << lineOf(finding);
  m_text->setText(lines.join(QLatin1Char('\n')));
}

} // namespace nibblesmith::ui
