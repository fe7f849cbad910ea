// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/tool_row.hpp"

#include "ui/widgets/card.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"

#include <QAction>
#include <QHBoxLayout>
#include <QMenu>
#include <QPushButton>

namespace nibblesmith::ui {

ToolRow::ToolRow(const QString& heading, QWidget* parent) : QWidget(parent), m_layout(new QHBoxLayout(this)) {
  m_layout->setContentsMargins(0, 0, 0, 0);
  m_layout->setSpacing(6);
  m_layout->addWidget(makeHeading(heading));
  m_layout->addStretch(1);
}

QAction* ToolRow::addAction(Icon name, const QString& text, const QString& toolTip) {
  auto* action = new QAction(icon(name), text, this);
  setHelp(action, toolTip);
  QPushButton* button = addButton(name, text, toolTip);
  connect(button, &QPushButton::clicked, action, &QAction::trigger);
  connect(action, &QAction::enabledChanged, button, &QWidget::setEnabled);
  return action;
}

void ToolRow::addMenu(Icon name, const QString& text, const QString& toolTip, QMenu* menu) {
  menu->setToolTipsVisible(true);
  addButton(name, text, toolTip)->setMenu(menu);
}

void ToolRow::addWidget(QWidget* widget) { m_layout->addWidget(widget); }

void ToolRow::addSpace() { m_layout->addSpacing(kSpacing); }

QPushButton* ToolRow::addButton(Icon name, const QString& text, const QString& toolTip) {
  auto* button = new QPushButton(icon(name), text);
  setHelp(button, toolTip);
  m_layout->addWidget(button);
  return button;
}

} // namespace nibblesmith::ui
