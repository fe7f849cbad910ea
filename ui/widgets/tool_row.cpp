// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/tool_row.hpp"

#include "ui/widgets/card.hpp"

#include <QAction>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QToolButton>

namespace nibblesmith::ui {

ToolRow::ToolRow(const QString& heading, QWidget* parent) : QWidget(parent), m_layout(new QHBoxLayout(this)) {
  m_layout->setContentsMargins(0, 0, 0, 0);
  m_layout->setSpacing(6);
  m_layout->addWidget(makeHeading(heading));
  m_layout->addStretch(1);
}

QAction* ToolRow::addAction(Icon name, const QString& text, const QString& toolTip) {
  auto* action = new QAction(icon(name), text, this);
  action->setToolTip(toolTip);
  addButton()->setDefaultAction(action);
  return action;
}

QToolButton* ToolRow::addMenu(Icon name, const QString& text, const QString& toolTip, QMenu* menu) {
  QToolButton* button = addButton();
  button->setIcon(icon(name));
  button->setText(text);
  button->setToolTip(toolTip);
  button->setMenu(menu);
  button->setPopupMode(QToolButton::InstantPopup);
  return button;
}

void ToolRow::addWidget(QWidget* widget) { m_layout->addWidget(widget); }

void ToolRow::addSpace() { m_layout->addSpacing(kSpacing); }

QToolButton* ToolRow::addButton() {
  auto* button = new QToolButton;
  button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  button->setMinimumHeight(30);
  m_layout->addWidget(button);
  return button;
}

} // namespace nibblesmith::ui
