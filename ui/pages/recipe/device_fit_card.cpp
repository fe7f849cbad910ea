// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/device_fit_card.hpp"

#include "quantization/recipe.hpp"
#include "ui/models/device_fit_columns.hpp"
#include "ui/session/session.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/table_view.hpp"
#include "workflow/fit.hpp"

#include <QBoxLayout>
#include <QHeaderView>
#include <QSignalBlocker>
#include <QSpinBox>

#include <algorithm>

namespace nibblesmith::ui {

namespace {
constexpr int kDelayMs = 400;
constexpr int kUsualContext = 2048;
} // namespace

DeviceFitCard::DeviceFitCard(Session& session, QWidget* parent)
    : Card(tr("On devices"), parent), m_session(session), m_context(new QSpinBox), m_fits(deviceFitColumns()),
      m_table(new TableView), m_hint(makeHint()) {
  m_context->setRange(1, 1 << 20);
  m_context->setSingleStep(256);
  m_context->setValue(kUsualContext);
  setHelp(m_context, tr("Tokens of prompt and answer together, which the key-value cache has to hold"));
  m_context->setAccessibleName(tr("Context"));
  header()->addWidget(new Label(tr("Context")));
  header()->addWidget(m_context);
  m_table->setModel(&m_fits);
  m_table->setObjectName(QStringLiteral("deviceFits"));
  m_table->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m_table->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  body()->addWidget(m_table);
  body()->addWidget(m_hint);
  connect(m_context, &QSpinBox::valueChanged, this, [this] { ask(m_recipe); });
  connect(&session, &Session::modelChanged, this, &DeviceFitCard::takeContext);
  connect(&m_task, &LatestTask::done, this, [this](const std::any& answer) {
    show(std::any_cast<const std::vector<workflow::DeviceFit>&>(answer));
  });
  connect(&m_task, &LatestTask::failed, this, [this](const QString& error) {
    clear();
    m_hint->setText(error);
  });
  clear();
}

void DeviceFitCard::ask(const quantization::Recipe& recipe) {
  m_recipe = recipe;
  if (!m_session.model())
    return clear();
  workflow::FitRequest request{m_session.modelPath(), m_recipe, m_context->value()};
  // Calibration and name do not affect the result; ignoring them avoids repeated requests.
  request.recipe->calibration = {};
  request.recipe->name.clear();
  if (m_request == request)
    return;
  m_request = request;
  request.bandwidth = m_bandwidth;
  m_task.startAfter(kDelayMs,
                    [fit = m_session.calls().fit, request, services = m_session.services()](
                        const std::stop_token&) -> std::any { return fit(request, services); });
}

void DeviceFitCard::takeContext() {
  constexpr int64_t kMost = 1 << 20;
  const auto longest =
      static_cast<int>(std::clamp<int64_t>(m_session.model()->config.maxPositions, 1, kMost));
  const QSignalBlocker blocker(m_context);
  m_context->setRange(1, longest);
  m_context->setValue(std::min(kUsualContext, longest));
}

void DeviceFitCard::clear() {
  m_task.cancel();
  m_request.reset();
  m_table->hide();
  m_hint->setText(tr("Open a model to see where it fits."));
  m_hint->show();
}

void DeviceFitCard::show(const std::vector<workflow::DeviceFit>& fits) {
  if (!fits.empty())
    m_bandwidth = fits.back().profile.bandwidth;
  m_fits.setRows(fits);
  m_table->fitColumns(0);
  const auto rows = static_cast<int>(fits.size());
  m_table->setFixedHeight(rows * m_table->verticalHeader()->defaultSectionSize() +
                          m_table->horizontalHeader()->sizeHint().height() + 4);
  m_table->show();
  m_hint->hide();
}

} // namespace nibblesmith::ui
