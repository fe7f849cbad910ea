// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/queue/queue_page.hpp"

#include "ui/pages/queue/job_details.hpp"
#include "ui/session/session.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/empty_state.hpp"
#include "ui/widgets/job_questions.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/progress_delegate.hpp"
#include "ui/widgets/table_view.hpp"
#include "ui/widgets/tool_row.hpp"

#include <QAction>
#include <QBoxLayout>
#include <QHeaderView>
#include <QPushButton>
#include <QSplitter>
#include <QStackedLayout>

namespace nibblesmith::ui {

namespace {
constexpr int kTitleWidth = 380;
constexpr int kTimeWidth = 120;
constexpr int kJobsHeight = 220;
constexpr int kDetailsHeight = 480;
} // namespace

QueuePage::QueuePage(Session& session, QWidget* parent)
    : QWidget(parent), m_session(session), m_model(session.queue()) {
  m_stack = new QStackedLayout(this);
  m_stack->addWidget(makeEmptyView());
  m_stack->addWidget(makeJobsView());
  const JobQueue& queue = session.queue();
  connect(&queue, &JobQueue::added, this, [this](quint64 id) {
    update();
    if (!m_table->currentIndex().isValid())
      select(id);
  });
  connect(&queue, &JobQueue::changed, this, [this](quint64 id) {
    update();
    if (m_table->currentIndex().isValid() && m_model.id(m_table->currentIndex().row()) == id)
      updateDetails();
  });
  connect(&queue, &JobQueue::removed, this, &QueuePage::update);
  update();
}

QWidget* QueuePage::makeEmptyView() {
  auto* empty =
      new EmptyState(Icon::Queue, tr("Nothing to do"),
                     tr("Jobs wait here in line and run one at a time: quantizing, evaluating, measuring, "
                        "exporting. Choose a recipe to start one."));
  connect(empty->addButton(tr("Choose a recipe"), true), &QPushButton::clicked, this,
          [this] { emit m_session.pageRequested(Page::Recipe); });
  return empty;
}

QWidget* QueuePage::makeJobsView() {
  m_table = new TableView;
  m_table->setObjectName(QStringLiteral("jobs"));
  m_table->setModel(&m_model);
  m_table->setItemDelegateForColumn(JobModel::Progress, new ProgressDelegate(m_table));
  m_table->setAlternatingRowColors(false);
  m_table->verticalHeader()->setDefaultSectionSize(2 * fontMetrics().height() + 8);
  m_table->horizontalHeader()->setSectionResizeMode(JobModel::Progress, QHeaderView::Stretch);
  m_table->setColumnWidth(JobModel::Title, kTitleWidth);
  m_table->setColumnWidth(JobModel::Elapsed, kTimeWidth);
  m_table->setColumnWidth(JobModel::Remaining, kTimeWidth);
  connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
    update();
    updateDetails();
  });

  auto* tools = new ToolRow(tr("Queue"));
  m_cancel = tools->addAction(Icon::Cancel, tr("Cancel"),
                              tr("Stop the selected jobs (Del). A job that runs is asked about first"));
  m_cancel->setObjectName(QStringLiteral("cancel"));
  m_cancel->setShortcut(QKeySequence::Delete);
  m_retry = tools->addAction(Icon::Retry, tr("Retry"),
                             tr("Start the selected failed or cancelled jobs again (F5)"));
  m_retry->setObjectName(QStringLiteral("retry"));
  m_retry->setShortcut(QKeySequence(Qt::Key_F5));
  m_clear = tools->addAction(Icon::Clear, tr("Clear ended"), tr("Remove jobs that have ended from the list"));
  m_clear->setObjectName(QStringLiteral("clear"));
  for (QAction* action : {m_cancel, m_retry})
    action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
  addActions({m_cancel, m_retry});
  m_table->addActions({m_cancel, m_retry, m_clear});
  m_table->setContextMenuPolicy(Qt::ActionsContextMenu);
  connect(m_cancel, &QAction::triggered, this, &QueuePage::cancelSelected);
  connect(m_retry, &QAction::triggered, this, &QueuePage::retrySelected);
  connect(m_clear, &QAction::triggered, this, [this] { m_session.queue().clearEnded(); });

  m_details = new JobDetails;
  auto* splitter = new QSplitter(Qt::Vertical);
  splitter->setChildrenCollapsible(false);
  splitter->setHandleWidth(kSpacing);
  splitter->addWidget(m_table);
  splitter->addWidget(m_details);
  splitter->setStretchFactor(0, 1);
  splitter->setStretchFactor(1, 3);
  splitter->setSizes({kJobsHeight, kDetailsHeight});
  auto* view = new QWidget;
  auto* layout = new QVBoxLayout(view);
  layout->setContentsMargins(kPageMargin, kPageMargin, kPageMargin, kPageMargin);
  layout->setSpacing(kSpacing);
  layout->addWidget(tools);
  layout->addWidget(splitter, 1);
  return view;
}

void QueuePage::select(JobId id) {
  if (const int row = m_model.rowOf(id); row >= 0)
    m_table->selectRow(row);
}

std::vector<JobId> QueuePage::selected() const {
  std::vector<JobId> ids;
  for (const QModelIndex& row : m_table->selectionModel()->selectedRows())
    ids.push_back(m_model.id(row.row()));
  return ids;
}

void QueuePage::update() {
  m_stack->setCurrentIndex(m_model.rowCount() == 0 ? 0 : 1);
  bool canCancel = false, canRetry = false, canClear = false;
  for (const JobId id : selected()) {
    const Job* job = m_session.queue().job(id);
    canCancel = canCancel || (job && !job->ended());
    canRetry = canRetry || (job && (job->state == JobState::Failed || job->state == JobState::Cancelled));
  }
  for (const JobId id : m_session.queue().ids())
    canClear = canClear || m_session.queue().job(id)->ended();
  m_cancel->setEnabled(canCancel);
  m_retry->setEnabled(canRetry);
  m_clear->setEnabled(canClear);
}

void QueuePage::updateDetails() {
  const QModelIndexList rows = m_table->selectionModel()->selectedRows();
  m_details->show(rows.size() == 1 ? m_model.job(rows.constFirst()) : nullptr);
}

void QueuePage::cancelSelected() {
  const std::vector<JobId> chosen = selected();
  std::vector<JobId> running;
  for (const JobId id : chosen)
    if (const Job* job = m_session.queue().job(id); job && job->state == JobState::Running)
      running.push_back(id);
  // Waiting jobs are cancelled without a question: no work is lost, and Retry restores them.
  if (!running.empty() && !confirm(this, cancelQuestion(m_session.queue(), running)))
    return;
  for (const JobId id : chosen)
    m_session.queue().cancel(id);
}

void QueuePage::retrySelected() {
  JobId last = 0;
  for (const JobId id : selected())
    if (const JobId again = m_session.queue().retry(id))
      last = again;
  if (last)
    select(last);
}

} // namespace nibblesmith::ui
