// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/models/models_page.hpp"

#include "base/path_status.hpp"
#include "ui/models/number_text.hpp"
#include "ui/models/word_filter.hpp"
#include "ui/pages/models/model_facts.hpp"
#include "ui/pages/models/weights_card.hpp"
#include "ui/session/model_name.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/demo_results.hpp"
#include "ui/widgets/empty_state.hpp"
#include "ui/widgets/facts.hpp"
#include "ui/widgets/filter_edit.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/open_model.hpp"
#include "ui/widgets/table_view.hpp"
#include "workflow/inspect.hpp"

#include <QBoxLayout>
#include <QFileInfo>
#include <QHeaderView>
#include <QProgressBar>
#include <QPushButton>
#include <QSplitter>
#include <QStackedLayout>

namespace nibblesmith::ui {

namespace {
enum Views { EmptyView, OpeningView, ModelView };
constexpr int kProblemWidth = 640;
} // namespace

ModelsPage::ModelsPage(Session& session, QWidget* parent)
    : QWidget(parent), m_session(session), m_tensors(tensorColumns()) {
  m_stack = new QStackedLayout(this);
  m_stack->addWidget(makeEmptyView());
  auto* opening = new QWidget;
  auto* openingLayout = new QVBoxLayout(opening);
  m_opening = new Label;
  m_opening->setAlignment(Qt::AlignCenter);
  auto* bar = new QProgressBar;
  bar->setRange(0, 0);
  bar->setFixedWidth(320);
  openingLayout->addStretch(1);
  openingLayout->addWidget(m_opening);
  openingLayout->addWidget(bar, 0, Qt::AlignHCenter);
  openingLayout->addStretch(1);
  m_stack->addWidget(opening);
  m_stack->addWidget(makeModelView());

  connect(&session, &Session::modelOpening, this, &ModelsPage::showOpening);
  connect(&session, &Session::modelChanged, this, &ModelsPage::showModel);
  connect(&session, &Session::modelFailed, this, &ModelsPage::showFailure);
  connect(&session, &Session::recentModelsChanged, this, &ModelsPage::listRecent);
  listRecent();
}

QWidget* ModelsPage::makeEmptyView() {
  m_empty =
      new EmptyState(Icon::Models, tr("Open a model to start"),
                     tr("Drop a Hugging Face model directory or a GGUF file anywhere on this window, or "
                        "choose one. Nothing is copied or changed."));
  connect(m_empty->addButton(tr("Open directory…"), true), &QPushButton::clicked, this,
          [this] { openModelDirectory(m_session, this); });
  connect(m_empty->addButton(tr("Open GGUF file…")), &QPushButton::clicked, this,
          [this] { openModelFile(m_session, this); });
  QPushButton* demo = m_empty->addButton(tr("Open the demo model"));
  demo->setObjectName(QStringLiteral("openDemo"));
  demo->setEnabled(base::pathExists(m_session.demoModel()));
  connect(demo, &QPushButton::clicked, this, [this] { m_session.openModel(m_session.demoModel()); });
  addDemoResultsButton(*m_empty, m_session);
  m_problem = new Label;
  m_problem->setWordWrap(true);
  m_problem->setAlignment(Qt::AlignHCenter);
  m_problem->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_problem->setFixedWidth(kProblemWidth);
  m_problem->hide();
  // Centred by stretches, because an aligned label does not get the height that its lines need.
  auto* problemLine = new QHBoxLayout;
  problemLine->addStretch(1);
  problemLine->addWidget(m_problem);
  problemLine->addStretch(1);
  m_empty->extra()->addLayout(problemLine);
  m_recent = new QVBoxLayout;
  m_recent->setSpacing(2);
  m_empty->extra()->addLayout(m_recent);
  return m_empty;
}

QWidget* ModelsPage::makeModelView() {
  auto* view = new QWidget;
  m_name = makeHeading({});
  m_path = makeHint();
  m_path->setTextInteractionFlags(Qt::TextSelectableByMouse);
  auto* recipe = new QPushButton(tr("Choose a recipe"));
  setHelp(recipe, tr("Go on to the Recipe page (Ctrl+2)"));
  connect(recipe, &QPushButton::clicked, this, [this] { emit m_session.pageRequested(Page::Recipe); });

  auto* title = new QVBoxLayout;
  title->setSpacing(2);
  title->addWidget(m_name);
  title->addWidget(m_path);
  auto* top = new QHBoxLayout;
  top->addLayout(title, 1);
  top->addWidget(recipe, 0, Qt::AlignTop);

  auto* architecture = new Card(tr("Architecture"));
  m_architecture = new Facts(2);
  architecture->body()->addWidget(m_architecture);
  m_origin = new Facts(1);
  architecture->body()->addWidget(m_origin);
  architecture->body()->addStretch(1);
  auto* sizes = new Card(tr("Size"));
  m_sizes = new Facts(1);
  sizes->body()->addWidget(m_sizes);
  sizes->body()->addStretch(1);
  auto* cards = new QHBoxLayout;
  cards->setSpacing(kSpacing);
  cards->addWidget(architecture, 5);
  cards->addWidget(sizes, 3);

  auto* layout = new QVBoxLayout(view);
  layout->setContentsMargins(kPageMargin, kPageMargin, kPageMargin, kPageMargin);
  layout->setSpacing(kSpacing);
  layout->addLayout(top);
  m_problemBesideModel = new Label;
  m_problemBesideModel->setWordWrap(true);
  m_problemBesideModel->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_problemBesideModel->hide();
  layout->addWidget(m_problemBesideModel);
  layout->addLayout(cards);
  m_weights = new WeightsCard(m_session);
  auto* below = new QSplitter(Qt::Horizontal);
  below->setChildrenCollapsible(false);
  below->setHandleWidth(kSpacing);
  below->addWidget(makeTensorCard());
  below->addWidget(m_weights);
  below->setStretchFactor(0, 5);
  below->setStretchFactor(1, 3);
  layout->addWidget(below, 1);
  return view;
}

QWidget* ModelsPage::makeTensorCard() {
  auto* card = new Card(tr("Tensors"));
  m_filter = new WordFilter(this);
  m_filter->setSourceModel(&m_tensors);
  auto* filter = new FilterEdit(*m_filter, tr("Filter, e.g. “layers.0 mlp”"));
  filter->setObjectName(QStringLiteral("tensorFilter"));
  m_count = makeHint();
  m_count->setWordWrap(false);
  card->header()->addWidget(m_count);
  card->header()->addWidget(filter);
  m_table = new TableView;
  m_table->setModel(m_filter);
  m_table->setSortingEnabled(true);
  m_table->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
  m_table->setSelectionMode(QAbstractItemView::SingleSelection);
  connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& row) {
            if (row.isValid())
              m_weights->ask(
                  toQString(std::string_view(m_tensors.row(m_filter->mapToSource(row).row()).name)));
          });
  card->body()->addWidget(m_table);
  const auto recount = [this] {
    const int shown = m_filter->rowCount();
    const int all = m_tensors.rowCount();
    m_count->setText(shown == all ? tr("%1 tensors").arg(all) : tr("%1 of %2 tensors").arg(shown).arg(all));
  };
  connect(m_filter, &QAbstractItemModel::modelReset, this, recount);
  connect(filter, &QLineEdit::textChanged, this, recount);
  return card;
}

void ModelsPage::showOpening(const QString& path) {
  m_opening->setText(tr("Reading %1 …").arg(path));
  m_problem->hide();
  m_problemBesideModel->hide();
  m_stack->setCurrentIndex(OpeningView);
}

void ModelsPage::showModel() {
  const workflow::Inspection& summary = *m_session.model();
  m_name->setText(m_session.modelName());
  m_path->setText(toQString(m_session.modelPath()));
  m_architecture->setFacts(architectureFacts(summary.config));
  m_sizes->setFacts(sizeFacts(summary));
  const std::vector<Fact> origin = originFacts(summary.card);
  m_origin->setFacts(origin);
  m_origin->setVisible(!origin.empty());
  m_weights->clear();
  m_tensors.setRows(summary.tensors);
  m_table->fitColumns(0);
  m_stack->setCurrentIndex(ModelView);
}

void ModelsPage::showFailure(const QString& path, const QString& error) {
  // Most error messages already start with the file name.
  const QString text = error.contains(path) ? tr("Could not be opened: %1").arg(error)
                                            : tr("%1 could not be opened: %2").arg(path, error);
  const bool hasModel = m_session.model().has_value();
  setProblemText(hasModel ? *m_problemBesideModel : *m_problem, text);
  m_stack->setCurrentIndex(hasModel ? ModelView : EmptyView);
}

void ModelsPage::listRecent() {
  while (QLayoutItem* item = m_recent->takeAt(0)) {
    delete item->widget();
    delete item;
  }
  const QStringList recent = m_session.recentModels();
  if (recent.isEmpty())
    return;
  m_recent->addSpacing(kSpacing);
  m_recent->addWidget(makeHint(tr("Recent")), 0, Qt::AlignHCenter);
  for (const QString& path : recent) {
    auto* link = new QPushButton(
        tr("%1   —   %2").arg(captionText(modelNameOf(toPath(path))), captionText(QFileInfo(path).path())));
    link->setFlat(true);
    setHelp(link, path);
    link->setCursor(Qt::PointingHandCursor);
    connect(link, &QPushButton::clicked, this, [this, path] { m_session.openModel(toPath(path)); });
    m_recent->addWidget(link, 0, Qt::AlignHCenter);
  }
}

} // namespace nibblesmith::ui
