// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/session/latest_task.hpp"
#include "ui/widgets/dialog.hpp"
#include "workflow/deployed_versions.hpp"

namespace nibblesmith::ui {

class Facts;
class Label;
class Session;

/// Asks a device what it runs, shows that and what a roll-back would switch to, and whether to. GUI thread;
/// the device is asked on a worker.
class RollBackDialog : public Dialog {
  Q_OBJECT

public:
  RollBackDialog(Session& session, const devices::Device& device, QWidget* parent = nullptr);

  /// The version that the user has agreed to, once accepted.
  std::string version() const;
  /// What it is called in the log.
  QString versionTitle() const;

private:
  void ask(Session& session, const devices::Device& device);
  void showVersions(const workflow::DeployedVersions& versions);

  LatestTask m_task;
  workflow::DeployedVersions m_versions;
  Label* m_text;
  QWidget* m_details;
  Facts* m_current;
  Facts* m_previous;
  Label* m_note;
  QPushButton* m_act;
};

} // namespace nibblesmith::ui
