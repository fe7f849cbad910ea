// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/deploy_dialog.hpp"

#include "base/path_status.hpp"
#include "devices/device.hpp"
#include "experiments/experiment_log.hpp"
#include "ui/models/number_text.hpp"
#include "ui/session/session.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/artifact_dialogs.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/gguf_type_combo.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "workflow/deploy.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QPushButton>
#include <QVBoxLayout>

#include <set>

namespace nibblesmith::ui {

DeployDialog::DeployDialog(Session& session, experiments::RowId artifact, const QString& device,
                           QWidget* parent)
    : FormDialog(tr("Deploy to a device"), tr("Deploy"), parent), m_session(session),
      m_artifact(new QComboBox), m_device(new QComboBox), m_type(makeGgufTypeCombo(4)),
      m_benchmark(new QCheckBox(tr("then measure latency and memory there"))),
      m_artifactField(new FormField(m_artifact, {}, true)), m_deviceField(new FormField(m_device, {}, true)) {
  std::set<experiments::RowId> seen;
  for (const experiments::ExperimentRow& row : session.experiments().rows()) {
    if (!seen.insert(row.artifact).second || !base::pathExists(row.path))
      continue;
    m_artifacts.push_back(row);
    m_artifact->addItem(
        QStringLiteral("%1 (%2)").arg(foreignText(artifactTitle(row)), bytesText(row.sizeBytes)));
    if (row.artifact == artifact)
      m_artifact->setCurrentIndex(m_artifact->count() - 1);
  }
  for (const devices::Device& known : session.devices().devices())
    m_device->addItem(foreignText(known.name), toQString(std::string_view(known.name)));
  if (const int index = m_device->findData(device); index >= 0)
    m_device->setCurrentIndex(index);
  m_benchmark->setChecked(true);
  setHelp(m_artifact,
          tr("What is pushed: models and artifacts of the experiment log whose files are on this machine"));
  setHelp(m_device, tr("Where it goes"));
  setHelp(m_benchmark, tr("The figures come back into the experiment log, as this device's"));

  QFormLayout* form = makeFormLayout();
  addFormRow(*form, tr("Artifact"), m_artifactField);
  addFormRow(*form, tr("Device"), m_deviceField);
  addFormRow(*form, tr("GGUF type"), new FormField(m_type));
  form->addRow(QString(), m_benchmark);
  body()->addLayout(form);
  body()->addWidget(
      makeHint(tr("The file is checked on the device by SHA-256, then switched in at once. The version "
                  "before stays, for rolling back.")));
  connect(m_artifact, &QComboBox::currentIndexChanged, this, &DeployDialog::proposeType);
  proposeType();
  m_artifactField->setProblem(m_artifacts.empty() ? tr("There is no artifact yet: quantize a model first.")
                                                  : QString());
  m_deviceField->setProblem(
      m_device->count() == 0 ? tr("There is no device yet: add one on the Devices page.") : QString());
  actionButton()->setEnabled(!m_artifacts.empty() && m_device->count() > 0);
}

workflow::DeployRequest DeployDialog::request() const {
  workflow::DeployRequest request;
  if (const experiments::ExperimentRow* row = artifact()) {
    request.artifact = row->path;
    request.expectedHash = row->hash;
  }
  request.type = ggufTypeOf(*m_type);
  request.access.device =
      m_session.devices().device(m_device->currentData().toString()).value_or(devices::Device());
  request.benchmark = m_benchmark->isChecked();
  return request;
}

QString DeployDialog::artifactName() const {
  const experiments::ExperimentRow* row = artifact();
  return row ? artifactTitle(*row) : QString();
}

const experiments::ExperimentRow* DeployDialog::artifact() const {
  const int index = m_artifact->currentIndex();
  return index < 0 ? nullptr : &m_artifacts[static_cast<size_t>(index)];
}

void DeployDialog::proposeType() {
  const experiments::ExperimentRow* row = artifact();
  if (!row)
    return;
  const std::unique_ptr<QComboBox> proposal(makeGgufTypeCombo(row->bits));
  m_type->setCurrentIndex(proposal->currentIndex());
  // A GGUF file is deployed unchanged.
  m_type->setEnabled(base::isDirectory(row->path));
}

} // namespace nibblesmith::ui
