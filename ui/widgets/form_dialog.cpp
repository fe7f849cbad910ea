// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/form_dialog.hpp"

#include <QPushButton>

namespace nibblesmith::ui {

namespace {
constexpr int kWidth = 520;
}

FormDialog::FormDialog(const QString& title, const QString& action, QWidget* parent)
    : Dialog(title, parent), m_button(addButton(action, QDialogButtonBox::AcceptRole)) {
  setMinimumWidth(kWidth);
  addButton(tr("Cancel"), QDialogButtonBox::RejectRole);
  m_button->setDefault(true);
}

void FormDialog::accept() {
  if (!m_check || m_check())
    QDialog::accept();
}

} // namespace nibblesmith::ui
