// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/unfinished_bar.hpp"

#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/icons.hpp"
#include "ui/widgets/label.hpp"

#include <QBoxLayout>
#include <QPushButton>

namespace nibblesmith::ui {

UnfinishedBar::UnfinishedBar(Session& session, QWidget* parent)
    : QFrame(parent), m_session(session), m_text(new Label), m_names(makeHint()) {
  setObjectName(QStringLiteral("unfinishedJobs"));
  setBackgroundRole(QPalette::Base);
  setAutoFillBackground(true);
  setFrameShape(QFrame::NoFrame);
  QFont bold = m_text->font();
  bold.setBold(true);
  m_text->setFont(bold);
  m_names->setWordWrap(false);
  m_names->setElideMode(Qt::ElideRight);
  const auto button = [](const char* name, const QString& text, const QString& help) {
    auto* made = new QPushButton(text);
    made->setObjectName(QLatin1String(name));
    setHelp(made, help);
    return made;
  };
  auto* resume = button("resumeJobs", tr("Resume"),
                        tr("Put them into the queue; a quantization goes on at its last finished block"));
  resume->setIcon(icon(Icon::Play));
  auto* discard = button("discardJobs", tr("Discard"), tr("Discard them; their files are kept"));
  auto* later = button("laterJobs", tr("Later"), tr("Ask again at the next start"));
  connect(resume, &QPushButton::clicked, this, &UnfinishedBar::resume);
  connect(discard, &QPushButton::clicked, this, &UnfinishedBar::discard);
  connect(later, &QPushButton::clicked, this, &QWidget::hide);

  auto* texts = new QVBoxLayout;
  texts->setSpacing(2);
  texts->addWidget(m_text);
  texts->addWidget(m_names);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(kPageMargin, 8, kPageMargin, 8);
  layout->setSpacing(8);
  layout->addLayout(texts, 1);
  layout->addWidget(resume);
  layout->addWidget(discard);
  layout->addWidget(later);
  hide();
}

void UnfinishedBar::look() {
  m_session.jobs().findUnfinished();
  const std::vector<UnfinishedJob>& jobs = m_session.jobs().unfinished();
  if (jobs.empty())
    return;
  QStringList names;
  for (const UnfinishedJob& job : jobs)
    names << foreignText(job.title);
  m_text->setText(jobs.size() == 1 ? tr("A job was not finished")
                                   : tr("%1 jobs were not finished").arg(jobs.size()));
  m_names->setText(names.join(QStringLiteral(" · ")));
  show();
}

void UnfinishedBar::resume() {
  hide();
  m_session.resumeUnfinished();
  emit m_session.pageRequested(Page::Queue);
}

void UnfinishedBar::discard() {
  hide();
  m_session.jobs().forgetUnfinished();
  emit m_session.message(tr("The unfinished jobs are forgotten"));
}

} // namespace nibblesmith::ui
