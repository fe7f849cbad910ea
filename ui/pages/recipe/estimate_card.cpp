// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/estimate_card.hpp"

#include "ui/models/number_text.hpp"
#include "ui/session/session.hpp"
#include "ui/widgets/facts.hpp"
#include "ui/widgets/label.hpp"
#include "workflow/quantize.hpp"

#include <QVBoxLayout>

namespace nibblesmith::ui {

namespace {
constexpr int kDelayMs = 300;
}

EstimateCard::EstimateCard(Session& session, QWidget* parent)
    : Card(tr("Estimate"), parent), m_session(session), m_facts(new Facts(1)), m_hint(makeHint()) {
  body()->addWidget(m_facts);
  body()->addWidget(m_hint);
  connect(&m_task, &LatestTask::done, this, [this](const std::any& answer) {
    show(std::any_cast<const workflow::QuantizeEstimate&>(answer));
    emit estimated();
  });
  connect(&m_task, &LatestTask::failed, this, [this](const QString& error) {
    clear(error);
    emit refused(error);
  });
}

void EstimateCard::ask(const workflow::QuantizeRequest& request) {
  m_task.startAfter(kDelayMs,
                    [estimate = m_session.calls().estimate, request, services = m_session.services()](
                        const std::stop_token&) -> std::any { return estimate(request, services); });
}

void EstimateCard::clear(const QString& reason) {
  m_task.cancel();
  m_facts->hide();
  m_hint->setText(reason);
  m_hint->show();
}

void EstimateCard::show(const workflow::QuantizeEstimate& estimate) {
  const double ratio = estimate.artifactBytes == 0 ? 0
                                                   : static_cast<double>(estimate.sourceBytes) /
                                                         static_cast<double>(estimate.artifactBytes);
  m_facts->setFacts({
      {tr("Size now"), bytesText(estimate.sourceBytes), tr("Weights of the open model, as stored")},
      {tr("Size after"),
       tr("%1, %2 times smaller").arg(bytesText(estimate.artifactBytes), fixedText(ratio, 2)),
       tr("Weights of the artifact, from the tensors' shapes")},
      {tr("Time"),
       estimate.resources.seconds < 1 ? tr("under a second")
                                      : tr("about %1").arg(durationText(estimate.resources.seconds)),
       tr("On this machine")},
      {tr("Memory"), tr("up to %1").arg(bytesText(estimate.resources.peakMemoryBytes)),
       tr("The largest amount of memory that the job will use")},
      {tr("Disk"), tr("up to %1").arg(bytesText(estimate.resources.diskBytes)),
       tr("Space in the output folder while the job runs")},
  });
  m_facts->show();
  m_hint->hide();
}

} // namespace nibblesmith::ui
