// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "experiments/experiment_log.hpp"
#include "ui/widgets/form_dialog.hpp"
#include "workflow/deploy.hpp"

class QCheckBox;
class QComboBox;

namespace nibblesmith::ui {

class FormField;
class Session;

/// Dialog to choose an artifact, a device and a type. GUI thread.
class DeployDialog : public FormDialog {
  Q_OBJECT

public:
  DeployDialog(Session& session, experiments::RowId artifact, const QString& device,
               QWidget* parent = nullptr);

  /// Returns the request; its access contains only the device.
  workflow::DeployRequest request() const;
  QString artifactName() const;

private:
  const experiments::ExperimentRow* artifact() const;
  void proposeType();

  Session& m_session;
  std::vector<experiments::ExperimentRow> m_artifacts;
  QComboBox* m_artifact;
  QComboBox* m_device;
  QComboBox* m_type;
  QCheckBox* m_benchmark;
  FormField* m_artifactField;
  FormField* m_deviceField;
};

} // namespace nibblesmith::ui
