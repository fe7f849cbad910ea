// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/devices/device_dialog.hpp"

#include "base/error.hpp"
#include "ui/session/device_store.hpp"
#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/form_field.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"
#include "ui/widgets/path_field.hpp"

#include <QFileInfo>
#include <QFormLayout>
#include <QLineEdit>
#include <QSpinBox>
#include <QVBoxLayout>

namespace nibblesmith::ui {

DeviceDialog::DeviceDialog(DeviceStore& store, const devices::Device& device, const QString& formerName,
                           QWidget* parent)
    : FormDialog(formerName.isEmpty() ? tr("Add a device") : tr("Edit %1").arg(formerName), tr("Save"),
                 parent),
      m_store(store), m_formerName(formerName),
      m_name(new QLineEdit(toQString(std::string_view(device.name)))),
      m_host(new QLineEdit(toQString(std::string_view(device.host)))), m_port(new QSpinBox),
      m_user(new QLineEdit(toQString(std::string_view(device.user)))),
      m_key(new PathField(PathField::Kind::OpenFile, tr("Choose a private key"))),
      m_directory(new QLineEdit(toQString(std::string_view(device.directory)))),
      m_nameField(new FormField(m_name, {}, true)), m_hostField(new FormField(m_host, {}, true)),
      m_keyField(new FormField(m_key, {}, true)), m_problem(new Label) {
  m_name->setPlaceholderText(tr("Raspberry Pi 4"));
  m_name->setObjectName(QStringLiteral("deviceName"));
  m_host->setPlaceholderText(tr("name, address, or an entry of ~/.ssh/config"));
  m_host->setObjectName(QStringLiteral("deviceHost"));
  setHelp(m_name, tr("What the device is called here"));
  setHelp(m_host, tr("Where its SSH server is reached"));
  setHelp(m_port, tr("Of the SSH server. Range: 1 to 65535. Default: 22"));
  setHelp(m_user,
          tr("The account that models are put into; it needs no rights beyond its own home directory"));
  setHelp(m_key->edit(), tr("A private key to log in with"));
  m_port->setRange(1, 65535);
  m_port->setValue(device.port);
  m_user->setPlaceholderText(tr("as on this machine"));
  m_key->setPlaceholder(tr("from the agent, or your default keys"));
  m_key->setPath(toQString(device.keyFile));
  setHelp(m_directory, tr("Where models and runner go, relative to the home directory there"));
  m_problem->setWordWrap(true);
  m_problem->hide();

  QFormLayout* form = makeFormLayout();
  addFormRow(*form, tr("Name"), m_nameField);
  addFormRow(*form, tr("Host"), m_hostField);
  addFormRow(*form, tr("Port"), new FormField(m_port));
  addFormRow(*form, tr("User"), new FormField(m_user, {}, true));
  addFormRow(*form, tr("Key"), m_keyField);
  addFormRow(*form, tr("Folder there"), new FormField(m_directory, {}, true));
  body()->addLayout(form);
  body()->addWidget(m_problem);
  body()->addWidget(
      makeHint(tr("Passwords are not kept. The device needs an SSH server; neither root rights nor "
                  "Python nor the internet.")));
  setCheck([this] { return save(); });
}

devices::Device DeviceDialog::device() const {
  devices::Device device;
  device.name = m_name->text().trimmed().toStdString();
  device.host = m_host->text().trimmed().toStdString();
  device.port = static_cast<uint16_t>(m_port->value());
  device.user = m_user->text().trimmed().toStdString();
  device.keyFile = toPath(m_key->path());
  device.directory = m_directory->text().trimmed().toStdString();
  return device;
}

bool DeviceDialog::save() {
  const devices::Device wanted = device();
  m_nameField->setProblem(wanted.name.empty() ? tr("Give it a name.") : QString());
  m_hostField->setProblem(wanted.host.empty() ? tr("Say where it is.") : QString());
  m_keyField->setProblem(!wanted.keyFile.empty() && !QFileInfo(m_key->path()).isFile()
                             ? tr("There is no such file.")
                             : QString());
  setProblemText(*m_problem, {});
  if (!m_nameField->problem().isEmpty() || !m_hostField->problem().isEmpty() ||
      !m_keyField->problem().isEmpty())
    return false;
  try {
    m_store.put(wanted, m_formerName);
    return true;
  } catch (const base::Error& error) {
    setProblemText(*m_problem, toQString(std::string_view(error.what())));
    return false;
  }
}

} // namespace nibblesmith::ui
