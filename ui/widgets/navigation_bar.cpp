// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/navigation_bar.hpp"
#include "ui/widgets/help.hpp"

#include <QAbstractButton>
#include <QPainter>
#include <QVBoxLayout>

namespace nibblesmith::ui {

namespace {
constexpr int kBarWidth = 168;
constexpr int kCompactWidth = 56;
constexpr int kButtonHeight = 42;
constexpr int kIconSize = 20;
} // namespace

/// Entry of one page: icon, name, badge.
class NavigationButton final : public QAbstractButton {
public:
  NavigationButton(const QIcon& icon, const QString& text) {
    setIcon(icon);
    setText(text);
    setCheckable(true);
    setAutoExclusive(true);
    setFocusPolicy(Qt::TabFocus);
    setFixedHeight(kButtonHeight);
  }
  void setBadge(int count) {
    m_badge = count;
    update();
  }
  QSize sizeHint() const override { return {kBarWidth, kButtonHeight}; }

protected:
  void paintEvent(QPaintEvent*) override {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF area = QRectF(rect()).adjusted(8, 2, -8, -2);
    QColor ground = palette().color(isChecked() ? QPalette::Highlight : QPalette::Text);
    ground.setAlphaF(isChecked() ? 1.0f : underMouse() ? 0.08f : 0.0f);
    painter.setPen(hasFocus() ? QPen(palette().color(QPalette::Highlight), 1.5) : QPen(Qt::NoPen));
    painter.setBrush(ground);
    painter.drawRoundedRect(area, 6, 6);
    const bool isCompact = width() <= kCompactWidth;
    const QRect iconArea(isCompact ? (width() - kIconSize) / 2 : 20, (height() - kIconSize) / 2, kIconSize,
                         kIconSize);
    icon().paint(&painter, iconArea, Qt::AlignCenter, isChecked() ? QIcon::Selected : QIcon::Normal);
    painter.setPen(palette().color(isChecked() ? QPalette::HighlightedText : QPalette::WindowText));
    if (!isCompact)
      painter.drawText(rect().adjusted(52, 0, -12, 0), Qt::AlignLeft | Qt::AlignVCenter, text());
    if (m_badge > 0)
      paintBadge(painter, isCompact);
  }
  void enterEvent(QEnterEvent*) override { update(); }
  void leaveEvent(QEvent*) override { update(); }

private:
  void paintBadge(QPainter& painter, bool isCompact) {
    const QString number = QString::number(m_badge);
    const int width = std::max(20, fontMetrics().horizontalAdvance(number) + 12);
    const QRectF pill = isCompact ? QRectF(this->width() - 4 - width, 2, width, 18)
                                  : QRectF(this->width() - 18 - width, (height() - 18) / 2.0, width, 18);
    painter.setPen(Qt::NoPen);
    painter.setBrush(palette().color(isChecked() ? QPalette::HighlightedText : QPalette::Highlight));
    painter.drawRoundedRect(pill, 9, 9);
    painter.setPen(palette().color(isChecked() ? QPalette::Highlight : QPalette::HighlightedText));
    painter.drawText(pill, Qt::AlignCenter, number);
  }

  int m_badge = 0;
};

NavigationBar::NavigationBar(QWidget* parent) : QWidget(parent), m_layout(new QVBoxLayout(this)) {
  setFixedWidth(kBarWidth);
  m_layout->setContentsMargins(0, 12, 0, 12);
  m_layout->setSpacing(2);
  m_layout->addStretch(1);
}

void NavigationBar::addPage(Icon name, const QString& text, const QString& toolTip) {
  auto* button = new NavigationButton(icon(name), text);
  setHelp(button, toolTip);
  button->setObjectName(QStringLiteral("page%1").arg(m_buttons.size()));
  const int page = static_cast<int>(m_buttons.size());
  connect(button, &QAbstractButton::clicked, this, [this, page] { emit chosen(page); });
  m_layout->insertWidget(page, button);
  m_buttons.push_back(button);
}

void NavigationBar::setCurrent(int page) { m_buttons.at(static_cast<size_t>(page))->setChecked(true); }

void NavigationBar::setBadge(int page, int count) {
  m_buttons.at(static_cast<size_t>(page))->setBadge(count);
}

void NavigationBar::setCompact(bool compact) { setFixedWidth(compact ? kCompactWidth : kBarWidth); }

void NavigationBar::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.fillRect(rect(), palette().color(QPalette::AlternateBase));
  painter.setPen(palette().color(QPalette::Mid));
  painter.drawLine(rect().topRight(), rect().bottomRight());
}

} // namespace nibblesmith::ui
