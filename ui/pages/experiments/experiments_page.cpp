// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/experiments/experiments_page.hpp"

#include "base/path_status.hpp"
#include "ui/pages/experiments/log_tabs.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "experiments/experiment_log.hpp"
#include "ui/charts/chart_export.hpp"
#include "ui/charts/chart_panel.hpp"
#include "ui/models/table_csv.hpp"
#include "ui/models/word_filter.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/artifact_dialogs.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/demo_results.hpp"
#include "ui/widgets/empty_state.hpp"
#include "ui/widgets/filter_edit.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/message_dialog.hpp"
#include "ui/widgets/table_view.hpp"
#include "ui/widgets/tool_row.hpp"

#include <QAction>
#include <QBoxLayout>
#include <QComboBox>
#include <QDesktopServices>
#include <QFileDialog>
#include <QHeaderView>
#include <QMenu>
#include <QPushButton>
#include <QScrollArea>
#include <QSplitter>
#include <QStackedLayout>
#include <QUrl>

#include <set>

namespace nibblesmith::ui {

namespace {

constexpr int kChartDelayMs = 120;
constexpr int kTableHeight = 210;
constexpr int kChartsHeight = 490;
const QString kHiddenKey = QStringLiteral("experiments/hiddenColumns");

/// Columns that repeat the artifact's name or a neighbouring column; hidden to fit the values to compare into
/// a window.
QStringList hiddenAtFirst() {
  return {QStringLiteral("method"), QStringLiteral("promptTokensPerSecond"),
          QStringLiteral("tokensPerSecond"), QStringLiteral("tokenMsP90")};
}

using RowKey = std::pair<experiments::RowId, std::string>;
RowKey keyOf(const ExperimentRow& row) { return {row.artifact, row.device}; }

} // namespace

ExperimentsPage::ExperimentsPage(Session& session, QWidget* parent)
    : QWidget(parent), m_session(session),
      m_model(std::make_unique<RecordModel<ExperimentRow>>(experimentColumns())),
      m_filter(new WordFilter(this)) {
  m_filter->setSourceModel(m_model.get());
  m_stack = new QStackedLayout;
  m_stack->addWidget(makeEmptyView());
  m_stack->addWidget(makeLogView());
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(makeLogBar());
  layout->addLayout(m_stack, 1);
  m_chartDelay.setSingleShot(true);
  m_chartDelay.setInterval(kChartDelayMs);
  connect(&m_chartDelay, &QTimer::timeout, this, &ExperimentsPage::updateCharts);
  connect(&session.experiments(), &ExperimentStore::changed, this, &ExperimentsPage::onLogChanged);
  onLogChanged();
}

QWidget* ExperimentsPage::makeEmptyView() {
  m_empty = new EmptyState(Icon::Experiments, tr("No experiments yet"), {});
  connect(m_empty->addButton(tr("Choose a recipe"), true), &QPushButton::clicked, this,
          [this] { emit m_session.pageRequested(Page::Recipe); });
  addDemoResultsButton(*m_empty, m_session);
  return m_empty;
}

QWidget* ExperimentsPage::makeLogBar() {
  m_logProblem = new Label;
  m_logProblem->setObjectName(QStringLiteral("logProblem"));
  m_logProblem->setWordWrap(true);
  m_logProblem->hide();
  connect(&m_session, &Session::logFailed, this,
          [this](const QString&, const QString& error) { setProblemText(*m_logProblem, error); });
  connect(&m_session, &Session::logChanged, this, [this] { setProblemText(*m_logProblem, {}); });
  auto* bar = new QWidget;
  auto* layout = new QVBoxLayout(bar);
  layout->setContentsMargins(kPageMargin, 4, kPageMargin, 0);
  layout->setSpacing(4);
  layout->addWidget(new LogTabs(m_session));
  layout->addWidget(m_logProblem);
  return bar;
}

QWidget* ExperimentsPage::makeLogView() {
  m_table = new TableView;
  m_table->setObjectName(QStringLiteral("experiments"));
  m_table->setModel(m_filter);
  m_table->setSortingEnabled(true);
  m_table->sortByColumn(-1, Qt::AscendingOrder);
  m_table->setContextMenuPolicy(Qt::ActionsContextMenu);

  auto* tools = new ToolRow(tr("Experiments"));
  auto* filter = new FilterEdit(*m_filter, tr("Filter, e.g. “gptq 4-bit”"));
  filter->setObjectName(QStringLiteral("experimentFilter"));
  connect(filter, &QLineEdit::textChanged, &m_chartDelay, qOverload<>(&QTimer::start));
  makeActions(*tools);
  tools->addSpace();
  tools->addMenu(Icon::Columns, tr("Columns"), tr("Which columns the table shows"), makeColumnMenu());
  tools->addMenu(Icon::Save, tr("Save"), tr("The table as CSV, the charts as PNG or SVG"), makeExportMenu());
  tools->addSpace();
  tools->addWidget(filter);
  connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
    updateActions();
    m_chartDelay.start();
  });

  auto* splitter = new QSplitter(Qt::Vertical);
  splitter->setChildrenCollapsible(false);
  splitter->setHandleWidth(kSpacing);
  splitter->addWidget(m_table);
  splitter->addWidget(makeChartCard());
  splitter->setStretchFactor(0, 1);
  splitter->setStretchFactor(1, 3);
  splitter->setSizes({kTableHeight, kChartsHeight});
  auto* view = new QWidget;
  auto* layout = new QVBoxLayout(view);
  layout->setContentsMargins(kPageMargin, kPageMargin, kPageMargin, kPageMargin);
  layout->setSpacing(kSpacing);
  layout->addWidget(tools);
  layout->addWidget(splitter, 1);
  return view;
}

QWidget* ExperimentsPage::makeChartCard() {
  auto* view = new QWidget;
  m_chartHint = makeHint();
  m_dataset = new QComboBox;
  m_dataset->setObjectName(QStringLiteral("dataset"));
  setHelp(m_dataset, tr("The test set that ROUGE and BLEU are shown for"));
  m_dataset->setSizeAdjustPolicy(QComboBox::AdjustToContents);
  connect(m_dataset, &QComboBox::activated, this, [this] {
    rebuildColumns();
    updateCharts();
  });
  m_charts = new ChartPanel;
  auto* row = new QHBoxLayout;
  row->addWidget(m_chartHint, 1);
  row->addWidget(new Label(tr("Test set")));
  row->addWidget(m_dataset);
  auto* scroll = new QScrollArea;
  scroll->setWidget(m_charts);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  auto* layout = new QVBoxLayout(view);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(8);
  layout->addLayout(row);
  layout->addWidget(scroll, 1);
  return view;
}

void ExperimentsPage::makeActions(ToolRow& tools) {
  m_evaluate =
      tools.addAction(Icon::Evaluate, tr("Evaluate…"), tr("Perplexity, ROUGE and BLEU of the selected rows"));
  m_benchmark =
      tools.addAction(Icon::Measure, tr("Benchmark…"), tr("Latency and memory of the selected rows, here"));
  m_export =
      tools.addAction(Icon::Export, tr("GGUF…"), tr("Export the selected artifact as GGUF, for llama.cpp"));
  m_deploy = tools.addAction(Icon::Deploy, tr("Deploy…"), tr("Push the selected artifact to a device"));
  m_folder = new QAction(icon(Icon::Open), tr("Show the folder"), this);
  m_delete = new QAction(icon(Icon::Remove), tr("Delete files…"), this);
  m_table->addActions({m_evaluate, m_benchmark, m_export, m_deploy, m_folder, m_delete});
  connect(m_evaluate, &QAction::triggered, this, [this] { askToEvaluate(m_session, selectedRows(), this); });
  connect(m_benchmark, &QAction::triggered, this,
          [this] { askToBenchmark(m_session, selectedRows(), this); });
  connect(m_export, &QAction::triggered, this,
          [this] { askToExport(m_session, selectedRows().front(), this); });
  connect(m_deploy, &QAction::triggered, this,
          [this] { askToDeploy(m_session, selectedRows().front().artifact, {}, this); });
  connect(m_folder, &QAction::triggered, this, &ExperimentsPage::showFolder);
  connect(m_delete, &QAction::triggered, this, [this] { askToDelete(m_session, selectedRows(), this); });
  updateActions();
}

QMenu* ExperimentsPage::makeColumnMenu() {
  auto* menu = new QMenu(this);
  const QStringList hidden = m_session.settings().value(kHiddenKey, hiddenAtFirst()).toStringList();
  for (int column = 0; column < m_model->columnCount(); ++column) {
    QAction* action =
        menu->addAction(m_model->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString());
    setHelp(action, m_model->columns()[static_cast<size_t>(column)].help);
    action->setCheckable(true);
    const QString key = m_model->headerData(column, Qt::Horizontal, kColumnKeyRole).toString();
    action->setChecked(!hidden.contains(key));
    m_table->setColumnHidden(column, hidden.contains(key));
    connect(action, &QAction::toggled, this, [this, column](bool shown) {
      m_table->setColumnHidden(column, !shown);
      saveColumns();
    });
  }
  return menu;
}

QMenu* ExperimentsPage::makeExportMenu() {
  auto* menu = new QMenu(this);
  connect(menu->addAction(tr("Table as CSV…")), &QAction::triggered, this, &ExperimentsPage::exportTable);
  connect(menu->addAction(canWriteSvg() ? tr("Charts as PNG and SVG…") : tr("Charts as PNG…")),
          &QAction::triggered, this, &ExperimentsPage::exportCharts);
  return menu;
}

void ExperimentsPage::onLogChanged() {
  const ExperimentStore& log = m_session.experiments();
  if (log.path() != m_shownLog)
    m_model->setRows({}); // rows of different logs are never the same, even with equal ids
  m_shownLog = log.path();
  if (log.rows().empty()) {
    m_empty->setText(!log.error().isEmpty()
                         ? tr("The log could not be read. %1").arg(log.error())
                         : tr("Every quantization, evaluation and benchmark is kept here with its "
                              "settings, to be sorted, compared and deployed. Quantize a model "
                              "to make the first."));
    m_stack->setCurrentIndex(0);
    return;
  }
  setRows();
  m_stack->setCurrentIndex(1);
}

void ExperimentsPage::setRows() {
  const bool isFirst = m_model->rowCount() == 0;
  std::set<RowKey> selected;
  for (const ExperimentRow& row : selectedRows())
    selected.insert(keyOf(row));
  std::vector<ExperimentRow> rows = m_session.experiments().rows();
  const auto methods = m_session.methods().methods();
  for (ExperimentRow& row : rows)
    row.method = methodLabels(row.method, methods);
  m_model->setRows(std::move(rows));
  const QString dataset = m_dataset->currentData().toString();
  m_dataset->clear();
  m_dataset->addItem(tr("all, averaged"), QString());
  for (const QString& set : datasetsOf(m_model->rows()))
    m_dataset->addItem(foreignText(set), set);
  m_dataset->setCurrentIndex(std::max(0, m_dataset->findData(dataset)));
  QItemSelection selection;
  for (int row = 0; row < m_filter->rowCount(); ++row) {
    const QModelIndex index = m_filter->index(row, 0);
    if (selected.contains(keyOf(m_model->row(m_filter->mapToSource(index).row()))))
      selection.select(index, index);
  }
  m_table->selectionModel()->select(selection,
                                    QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
  if (isFirst)
    m_table->fitColumns();
  updateActions();
  updateCharts();
}

void ExperimentsPage::rebuildColumns() {
  const QByteArray header = m_table->horizontalHeader()->saveState();
  auto model =
      std::make_unique<RecordModel<ExperimentRow>>(experimentColumns(m_dataset->currentData().toString()));
  model->setRows(m_model->rows());
  m_filter->setSourceModel(model.get());
  m_model = std::move(model);
  m_table->horizontalHeader()->restoreState(header);
}

std::vector<ExperimentRow> ExperimentsPage::selectedRows() const {
  if (!m_table)
    return {};
  QModelIndexList indexes = m_table->selectionModel()->selectedRows();
  std::sort(indexes.begin(), indexes.end());
  std::vector<ExperimentRow> rows;
  for (const QModelIndex& index : indexes)
    rows.push_back(m_model->row(m_filter->mapToSource(index).row()));
  return rows;
}

std::vector<ExperimentRow> ExperimentsPage::chosenRows() const {
  std::vector<ExperimentRow> rows = selectedRows();
  if (!rows.empty())
    return rows;
  for (int row = 0; row < m_filter->rowCount(); ++row)
    rows.push_back(m_model->row(m_filter->mapToSource(m_filter->index(row, 0)).row()));
  return rows;
}

void ExperimentsPage::updateActions() {
  const std::vector<ExperimentRow> rows = selectedRows();
  const bool isOne = rows.size() == 1;
  // Files of other machines are not available here; local ones may have been deleted.
  const bool areHere = std::all_of(rows.begin(), rows.end(),
                                   [](const ExperimentRow& row) { return base::pathExists(row.path); });
  m_evaluate->setEnabled(!rows.empty() && areHere);
  m_benchmark->setEnabled(!rows.empty() && areHere);
  m_export->setEnabled(isOne && areHere && base::isDirectory(rows.front().path));
  m_deploy->setEnabled(isOne && areHere);
  m_folder->setEnabled(isOne && areHere);
  m_delete->setEnabled(!rows.empty() && areHere);
}

void ExperimentsPage::updateCharts() {
  const std::vector<ExperimentRow> rows = chosenRows();
  const bool areSelected = m_table->selectionModel()->hasSelection();
  QString hint = !areSelected       ? tr("All rows. Select some in the table to compare them alone.")
                 : rows.size() == 1 ? tr("The selected row. Select more with Ctrl to compare them.")
                                    : tr("The %1 selected rows.").arg(rows.size());
  if (rows.size() > kMostChartRows)
    hint += tr(" Charts show the first %1.").arg(kMostChartRows);
  m_chartHint->setText(hint);
  m_charts->show(rows, m_dataset->currentData().toString());
}

void ExperimentsPage::saveColumns() {
  QStringList hidden;
  for (int column = 0; column < m_model->columnCount(); ++column)
    if (m_table->isColumnHidden(column))
      hidden << m_model->headerData(column, Qt::Horizontal, kColumnKeyRole).toString();
  m_session.settings().setValue(kHiddenKey, hidden);
}

void ExperimentsPage::exportTable() {
  const QString path = QFileDialog::getSaveFileName(this, tr("Save the table"),
                                                    QStringLiteral("experiments.csv"), tr("CSV (*.csv)"));
  if (path.isEmpty())
    return;
  std::vector<int> columns;
  for (int visual = 0; visual < m_model->columnCount(); ++visual) {
    const int column = m_table->horizontalHeader()->logicalIndex(visual);
    if (!m_table->isColumnHidden(column))
      columns.push_back(column);
  }
  try {
    base::writeFileAtomically(toPath(path), toCsv(*m_filter, columns).toStdString());
    emit m_session.message(tr("Saved %1").arg(path));
  } catch (const base::Error& error) {
    showProblem(this, tr("Save the table"), toQString(std::string_view(error.what())));
  }
}

void ExperimentsPage::exportCharts() {
  const QString folder = QFileDialog::getExistingDirectory(this, tr("Save the charts into a folder"));
  if (folder.isEmpty())
    return;
  try {
    const auto files = renderCharts(m_charts->rows(), toPath(folder), m_charts->style(), m_charts->dataset());
    emit m_session.message(tr("Saved %1 files into %2").arg(files.size()).arg(folder));
  } catch (const base::Error& error) {
    showProblem(this, tr("Save the charts"), toQString(std::string_view(error.what())));
  }
}

void ExperimentsPage::showFolder() {
  const std::filesystem::path path = selectedRows().front().path;
  const std::filesystem::path folder = base::isDirectory(path) ? path : path.parent_path();
  QDesktopServices::openUrl(QUrl::fromLocalFile(toQString(folder)));
}

} // namespace nibblesmith::ui
