// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "devices/device.hpp"
#include "ui/widgets/form_dialog.hpp"

class QLineEdit;
class QSpinBox;

namespace nibblesmith::ui {

class DeviceStore;
class FormField;
class Label;
class PathField;

/// Dialog that adds or changes a device. Saves it itself, to show problems in the dialog. GUI thread.
class DeviceDialog : public FormDialog {
  Q_OBJECT

public:
  /// formerName: name of the device to change; empty for a new one.
  DeviceDialog(DeviceStore& store, const devices::Device& device, const QString& formerName,
               QWidget* parent = nullptr);
  devices::Device device() const;

private:
  bool save();

  DeviceStore& m_store;
  QString m_formerName;
  QLineEdit* m_name;
  QLineEdit* m_host;
  QSpinBox* m_port;
  QLineEdit* m_user;
  PathField* m_key;
  QLineEdit* m_directory;
  FormField* m_nameField;
  FormField* m_hostField;
  FormField* m_keyField;
  Label* m_problem;
};

} // namespace nibblesmith::ui
