// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/host_key_dialog.hpp"

#include "ui/session/text.hpp"
#include "ui/widgets/icons.hpp"
#include "ui/widgets/label.hpp"

#include <QFontDatabase>
#include <QPushButton>

namespace nibblesmith::ui {

HostKeyDialog::HostKeyDialog(HostKeyPrompt& prompt, quint64 question, const devices::HostKey& key,
                             QWidget* parent)
    : MessageDialog(ui::icon(Icon::Devices), tr("Unknown host key"),
                    tr("%1, port %2, is not known yet.").arg(foreignText(key.host)).arg(key.port), parent) {
  setAttribute(Qt::WA_DeleteOnClose);
  addDetails(tr("Its %1 key has the fingerprint").arg(foreignText(key.type)));
  Label* fingerprint = addDetails(foreignText(key.fingerprint));
  fingerprint->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  fingerprint->setWordWrap(false);
  fingerprint->setObjectName(QStringLiteral("fingerprint"));
  addDetails(tr("Compare it with what “ssh-keygen -lf /etc/ssh/ssh_host_*.pub” prints on the device. Trusted "
                "keys are remembered; a key that changes later is refused."));
  addButton(tr("Trust this key"), QDialogButtonBox::AcceptRole)->setObjectName(QStringLiteral("trust"));
  addButton(tr("Do not connect"), QDialogButtonBox::RejectRole)->setDefault(true);
  connect(this, &QDialog::finished, &prompt,
          [&prompt, question](int result) { prompt.answer(question, result == QDialog::Accepted); });
  connect(&prompt, &HostKeyPrompt::withdrawn, this, [this, question](quint64 withdrawn) {
    if (withdrawn == question)
      close();
  });
}

} // namespace nibblesmith::ui
