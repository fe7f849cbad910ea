// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/host_key_dialog.hpp"

#include "ui/session/text.hpp"
#include "ui/widgets/icons.hpp"

#include <QPushButton>

namespace nibblesmith::ui {

namespace {
constexpr int kIconSize = 48;
}

HostKeyDialog::HostKeyDialog(HostKeyPrompt& prompt, quint64 question, const devices::HostKey& key,
                             QWidget* parent)
    : QMessageBox(QMessageBox::NoIcon, tr("Unknown host key"), {}, QMessageBox::NoButton, parent) {
  const auto text = [](const std::string& value) {
    return toQString(std::string_view(value)).toHtmlEscaped();
  };
  setAttribute(Qt::WA_DeleteOnClose);
  setIconPixmap(ui::icon(ui::Icon::Devices).pixmap(kIconSize));
  setTextFormat(Qt::RichText);
  setText(tr("<b>%1</b>, port %2, is not known yet.").arg(text(key.host)).arg(key.port));
  setInformativeText(
      tr("<p>Its %1 key has the fingerprint</p><p style=\"white-space: "
         "nowrap\"><code>%2</code></p><p>Compare it with what "
         "<code>ssh-keygen -lf /etc/ssh/ssh_host_*.pub</code> prints on the device. Trusted keys are "
         "remembered; a key that changes later is refused.</p>")
          .arg(text(key.type), text(key.fingerprint)));
  auto* trust = addButton(tr("Trust this key"), QMessageBox::AcceptRole);
  auto* refuse = addButton(tr("Do not connect"), QMessageBox::RejectRole);
  trust->setObjectName(QStringLiteral("trust"));
  setDefaultButton(refuse);
  setEscapeButton(refuse);
  connect(this, &QDialog::finished, &prompt, [this, &prompt, question, trust] {
    prompt.answer(question, clickedButton() == static_cast<QAbstractButton*>(trust));
  });
  connect(&prompt, &HostKeyPrompt::withdrawn, this, [this, question](quint64 withdrawn) {
    if (withdrawn == question)
      close();
  });
}

} // namespace nibblesmith::ui
