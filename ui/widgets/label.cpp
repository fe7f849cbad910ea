// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/label.hpp"

#include "ui/models/tool_tip_text.hpp"
#include "ui/session/text.hpp"

#include <QHelpEvent>
#include <QPainter>
#include <QStyle>
#include <QToolTip>

#include <algorithm>

namespace nibblesmith::ui {

namespace {
constexpr int kNarrowestWrapped = 160;
constexpr int kNarrowestElided = 40;
constexpr int kWidestElided = 900;
constexpr qsizetype kLineBytes = 1000;
} // namespace

Label::Label(const QString& text, QWidget* parent) : QLabel(parent) {
  setTextFormat(Qt::PlainText);
  setText(text);
}

void Label::setText(const QString& text) {
  QLabel::setText(m_elideMode == Qt::ElideNone ? messageText(text) : foreignText(text, kLineBytes));
}

void Label::setElideMode(Qt::TextElideMode mode) {
  m_elideMode = mode;
  setText(text());
  updateGeometry();
}

bool Label::isElided() const {
  return m_elideMode != Qt::ElideNone && fontMetrics().horizontalAdvance(text()) > contentsRect().width();
}

QSize Label::sizeHint() const {
  QSize hint = QLabel::sizeHint();
  if (m_elideMode != Qt::ElideNone)
    hint.setWidth(std::min(hint.width(), kWidestElided));
  return hint;
}

QSize Label::minimumSizeHint() const {
  QSize hint = QLabel::minimumSizeHint();
  if (m_elideMode != Qt::ElideNone)
    hint.setWidth(std::min(hint.width(), kNarrowestElided));
  else if (wordWrap())
    hint.setWidth(std::min(hint.width(), kNarrowestWrapped));
  return hint;
}

bool Label::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip && isElided()) {
    const QString whole = toolTipText(text()) + toolTip();
    QToolTip::showText(static_cast<QHelpEvent*>(event)->globalPos(), whole, this);
    return true;
  }
  return QLabel::event(event);
}

void Label::paintEvent(QPaintEvent* event) {
  if (!isElided())
    return QLabel::paintEvent(event);
  QPainter painter(this);
  drawFrame(&painter);
  const QRect area = contentsRect();
  style()->drawItemText(&painter, area, static_cast<int>(alignment()), palette(), isEnabled(),
                        fontMetrics().elidedText(text(), m_elideMode, area.width()), foregroundRole());
}

} // namespace nibblesmith::ui
