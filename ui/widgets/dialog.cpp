// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/dialog.hpp"

#include "ui/session/text.hpp"
#include "ui/widgets/card.hpp"
#include "ui/widgets/label.hpp"

#include <QAbstractButton>
#include <QKeyEvent>
#include <QPushButton>
#include <QVBoxLayout>

namespace nibblesmith::ui {

Dialog::Dialog(const QString& title, QWidget* parent)
    : QDialog(parent), m_content(new QWidget), m_body(new QVBoxLayout(m_content)),
      m_buttons(new QDialogButtonBox) {
  setWindowTitle(foreignText(title));
  connect(m_buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(m_buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  m_body->setContentsMargins(0, 0, 0, 0);
  m_body->setSpacing(kSpacing);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPageMargin, kPageMargin, kPageMargin, kPageMargin);
  layout->setSpacing(kPageMargin);
  layout->addWidget(m_content, 1);
  layout->addWidget(m_buttons);
}

QPushButton* Dialog::addButton(const QString& text, QDialogButtonBox::ButtonRole role) {
  return m_buttons->addButton(text, role);
}

std::vector<QWidget*> Dialog::fields() const {
  std::vector<QWidget*> fields;
  for (QWidget* widget = nextInFocusChain(); widget && widget != this; widget = widget->nextInFocusChain()) {
    const bool isField = m_content->isAncestorOf(widget) && (widget->focusPolicy() & Qt::TabFocus) &&
                         !widget->focusProxy() && widget->isEnabled() && widget->isVisibleTo(this) &&
                         !qobject_cast<Label*>(widget);
    const auto* button = qobject_cast<QAbstractButton*>(widget);
    if (isField && (!button || button->isCheckable()))
      fields.push_back(widget);
  }
  return fields;
}

void Dialog::showEvent(QShowEvent* event) {
  for (QPushButton* button : findChildren<QPushButton*>())
    button->setAutoDefault(false);
  const std::vector<QWidget*> found = fields();
  orderFocus(found);
  if (!found.empty()) {
    found.front()->setFocus(Qt::TabFocusReason);
  } else {
    for (QPushButton* button : findChildren<QPushButton*>())
      if (button->isDefault())
        button->setFocus(Qt::TabFocusReason);
  }
  QDialog::showEvent(event);
}

void Dialog::orderFocus(const std::vector<QWidget*>& fields) {
  // Moves the buttons, which were created before the body, to the end of the tab order.
  QWidget* before = fields.empty() ? nullptr : fields.back();
  for (QAbstractButton* button : m_buttons->buttons()) {
    if (before)
      setTabOrder(before, button);
    before = button;
  }
}

void Dialog::keyPressEvent(QKeyEvent* event) {
  const bool isEnter = (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) &&
                       (event->modifiers() & ~Qt::KeypadModifier) == 0;
  auto* button = qobject_cast<QPushButton*>(focusWidget());
  if (isEnter && button && button->isEnabled())
    button->click();
  else
    QDialog::keyPressEvent(event);
}

} // namespace nibblesmith::ui
