// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/empty_state.hpp"

#include "ui/widgets/card.hpp"
#include "ui/widgets/label.hpp"

#include <QBoxLayout>
#include <QEvent>
#include <QPushButton>

namespace nibblesmith::ui {

namespace {
constexpr int kTextWidth = 480;
}

EmptyState::EmptyState(Icon icon, const QString& title, const QString& text, QWidget* parent)
    : QWidget(parent), m_icon(icon), m_picture(new Label), m_text(makeHint(text)), m_buttons(new QHBoxLayout),
      m_extra(new QVBoxLayout) {
  m_picture->setAlignment(Qt::AlignCenter);
  Label* heading = makeHeading(title);
  heading->setAlignment(Qt::AlignCenter);
  m_text->setAlignment(Qt::AlignHCenter);
  m_text->setFixedWidth(kTextWidth);
  // Centred by stretches, because an aligned label does not get the height that its lines need.
  auto* textLine = new QHBoxLayout;
  textLine->addStretch(1);
  textLine->addWidget(m_text);
  textLine->addStretch(1);
  m_buttons->setSpacing(kSpacing);
  m_buttons->addStretch(1);
  m_buttons->addStretch(1);
  auto* layout = new QVBoxLayout(this);
  layout->setSpacing(kSpacing);
  layout->addStretch(2);
  layout->addWidget(m_picture);
  layout->addWidget(heading);
  layout->addLayout(textLine);
  layout->addLayout(m_buttons);
  layout->addLayout(m_extra);
  layout->addStretch(3);
  drawIcon();
}

QPushButton* EmptyState::addButton(const QString& text, bool isMain) {
  auto* button = new QPushButton(text);
  button->setDefault(isMain);
  button->setMinimumHeight(32);
  m_buttons->insertWidget(m_buttons->count() - 1, button);
  return button;
}

void EmptyState::setText(const QString& text) { m_text->setText(text); }

void EmptyState::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange)
    drawIcon();
}

void EmptyState::drawIcon() {
  m_picture->setPixmap(icon(m_icon).pixmap(QSize(64, 64), devicePixelRatioF(), QIcon::Disabled));
}

} // namespace nibblesmith::ui
