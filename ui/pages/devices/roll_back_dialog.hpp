// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "devices/device.hpp"
#include "ui/session/latest_task.hpp"
#include "ui/widgets/dialog.hpp"
#include "workflow/deployed_versions.hpp"

namespace nibblesmith::ui {

class Facts;
class Label;
class Session;

/// Dialog that shows the version that runs on a device and the one that a roll-back would switch to, and asks
/// for confirmation. GUI thread; queries the device on a worker.
class RollBackDialog : public Dialog {
  Q_OBJECT

public:
  RollBackDialog(Session& session, const devices::Device& device, QWidget* parent = nullptr);

  /// Version that the user has confirmed; valid after the dialog was accepted.
  std::string version() const;
  /// Name of this version in the log.
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
