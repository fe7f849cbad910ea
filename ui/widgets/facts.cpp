// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/facts.hpp"

#include "ui/widgets/card.hpp"
#include "ui/widgets/help.hpp"
#include "ui/widgets/label.hpp"

#include <QGridLayout>

namespace nibblesmith::ui {

Facts::Facts(int columns, QWidget* parent)
    : QWidget(parent), m_columns(columns), m_grid(new QGridLayout(this)) {
  m_grid->setContentsMargins(0, 0, 0, 0);
  m_grid->setVerticalSpacing(6);
  m_grid->setHorizontalSpacing(12);
  for (int column = 0; column < columns; ++column) {
    m_grid->setColumnMinimumWidth(3 * column + 2, column + 1 < columns ? 24 : 0);
    m_grid->setColumnStretch(3 * column + 1, 1);
  }
}

void Facts::setFacts(const std::vector<Fact>& facts) {
  while (QLayoutItem* item = m_grid->takeAt(0)) {
    delete item->widget();
    delete item;
  }
  const int rows = (static_cast<int>(facts.size()) + m_columns - 1) / m_columns;
  for (int i = 0; i < static_cast<int>(facts.size()); ++i) {
    const Fact& fact = facts[static_cast<size_t>(i)];
    Label* name = makeHint(fact.name);
    name->setWordWrap(false);
    setHelp(name, fact.help);
    auto* value = new Label(fact.value);
    value->setTextInteractionFlags(Qt::TextSelectableByMouse);
    setHelp(value, fact.help);
    if (m_columns == 1)
      value->setWordWrap(true);
    else
      value->setElideMode(Qt::ElideRight);
    m_grid->addWidget(name, i % rows, 3 * (i / rows), Qt::AlignLeft | Qt::AlignTop);
    m_grid->addWidget(value, i % rows, 3 * (i / rows) + 1, Qt::AlignTop);
  }
}

} // namespace nibblesmith::ui
