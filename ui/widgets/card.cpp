// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/card.hpp"
#include "ui/widgets/label.hpp"

#include <QBoxLayout>
#include <QPainter>

namespace nibblesmith::ui {

Card::Card(const QString& title, QWidget* parent)
    : QFrame(parent), m_title(new Label(title)), m_header(new QHBoxLayout), m_body(new QVBoxLayout) {
  QFont font = m_title->font();
  font.setBold(true);
  m_title->setFont(font);
  m_title->setElideMode(Qt::ElideMiddle);
  m_header->addWidget(m_title);
  m_header->addStretch(1);
  m_body->setSpacing(8);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(14, 10, 14, 12);
  layout->setSpacing(8);
  layout->addLayout(m_header);
  layout->addLayout(m_body);
}

void Card::setTitle(const QString& title) { m_title->setText(title); }

void Card::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(palette().color(QPalette::Mid), 1));
  painter.setBrush(palette().color(QPalette::Base));
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6);
}

Label* makeHeading(const QString& text) {
  auto* label = new Label(text);
  QFont font = label->font();
  font.setPointSizeF(font.pointSizeF() * 1.5);
  font.setWeight(QFont::DemiBold);
  label->setFont(font);
  label->setElideMode(Qt::ElideRight);
  return label;
}

Label* makeHint(const QString& text) {
  auto* label = new Label(text);
  label->setForegroundRole(QPalette::PlaceholderText);
  label->setWordWrap(true);
  return label;
}

void setProblemText(Label& label, const QString& text) {
  label.setForegroundRole(QPalette::BrightText); // our palettes use this role for problems
  label.setText(text);
  label.setVisible(!text.isEmpty());
}

} // namespace nibblesmith::ui
