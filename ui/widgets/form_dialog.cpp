// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/form_dialog.hpp"

#include "ui/widgets/card.hpp"

#include <QDialogButtonBox>
#include <QPushButton>
#include <QVBoxLayout>

namespace nibblesmith::ui {

FormDialog::FormDialog(const QString& title, const QString& action, QWidget* parent)
    : QDialog(parent), m_body(new QVBoxLayout) {
  setWindowTitle(title);
  setMinimumWidth(520);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
  m_button = buttons->addButton(action, QDialogButtonBox::AcceptRole);
  m_button->setDefault(true);
  connect(buttons, &QDialogButtonBox::accepted, this, &FormDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &FormDialog::reject);
  m_body->setSpacing(kSpacing);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPageMargin, kPageMargin, kPageMargin, kPageMargin);
  layout->setSpacing(kPageMargin);
  layout->addLayout(m_body);
  layout->addWidget(buttons);
}

void FormDialog::accept() {
  if (!m_check || m_check())
    QDialog::accept();
}

} // namespace nibblesmith::ui
