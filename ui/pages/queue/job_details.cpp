// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/queue/job_details.hpp"

#include "quantization/layer_report.hpp"
#include "ui/models/job_model.hpp"
#include "ui/models/layer_columns.hpp"
#include "ui/models/word_filter.hpp"
#include "ui/pages/queue/job_summary.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/facts.hpp"
#include "ui/widgets/filter_edit.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/table_view.hpp"

#include <QBoxLayout>
#include <QHeaderView>

namespace nibblesmith::ui {

JobDetails::JobDetails(QWidget* parent)
    : QWidget(parent), m_card(new Card({})), m_text(new Label), m_facts(new Facts(1)),
      m_layerCard(new Card(tr("Layers"))), m_layers(layerColumns()), m_filter(new WordFilter(this)),
      m_table(new TableView) {
  m_text->setWordWrap(true);
  m_text->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  m_card->body()->addWidget(m_text);
  m_card->body()->addWidget(m_facts);
  m_card->body()->addStretch(1);
  m_filter->setSourceModel(&m_layers);
  auto* filter = new FilterEdit(*m_filter, tr("Filter layers"));
  filter->setObjectName(QStringLiteral("layerFilter")); // Ctrl+F looks for names that end in "Filter"
  m_layerCard->header()->addWidget(filter);
  m_table->setModel(m_filter);
  m_table->setSortingEnabled(true);
  m_table->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
  m_layerCard->body()->addWidget(m_table);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(kSpacing);
  layout->addWidget(m_card);
  layout->addWidget(m_layerCard, 1);
  show(nullptr);
}

void JobDetails::show(const Job* job) {
  setVisible(job != nullptr);
  if (!job)
    return;
  m_card->setTitle(job->title);
  if (job->state == JobState::Failed)
    setProblemText(*m_text, job->error);
  else {
    m_text->setForegroundRole(QPalette::WindowText);
    m_text->setText(!job->error.isEmpty()             ? job->error
                    : job->state == JobState::Waiting ? tr("Waits for the jobs before it.")
                    : job->state == JobState::Cancelled
                        ? tr("Cancelled. Retry starts it again; a quantization goes on where it stopped.")
                    : job->state == JobState::Running ? stateText(*job)
                                                      : QString());
    m_text->setVisible(!m_text->text().isEmpty());
  }
  // Progress arrives thirty times a second; everything else is set only when the state changes.
  if (m_shown == job->id && m_shownState == job->state)
    return;
  m_shown = job->id;
  m_shownState = job->state;
  const std::vector<Fact> facts = resultFacts(*job);
  m_facts->setFacts(facts);
  m_facts->setVisible(!facts.empty());
  const auto* layers = layerReports(*job);
  m_layerCard->setVisible(layers != nullptr);
  m_card->setSizePolicy(QSizePolicy::Preferred, layers ? QSizePolicy::Maximum : QSizePolicy::Preferred);
  m_layers.setRows(layers ? *layers : std::vector<quantization::LayerReport>());
  if (layers)
    m_table->fitColumns(7);
}

} // namespace nibblesmith::ui
