// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/progress_delegate.hpp"

#include "ui/models/job_model.hpp"
#include "ui/widgets/theme.hpp"

#include <QApplication>
#include <QPainter>
#include <QStyle>

namespace nibblesmith::ui {

namespace {

constexpr int kBarHeight = 5;
constexpr int kPadding = 6;

void paintBar(QPainter* painter, const QStyleOptionViewItem& option, double fraction, const QString& stage) {
  const bool isSelected = option.state.testFlag(QStyle::State_Selected);
  const QColor textColor = option.palette.color(isSelected ? QPalette::HighlightedText : QPalette::Text);
  const QRect area = option.rect.adjusted(kPadding, 4, -kPadding, -6);
  const QString percent = QStringLiteral("%1 %").arg(fraction * 100, 0, 'f', 1);
  const int percentWidth = option.fontMetrics.horizontalAdvance(QStringLiteral("100.0 %")) + kPadding;
  const QRect textArea = area.adjusted(0, 0, 0, -kBarHeight - 2);
  painter->setPen(textColor);
  painter->drawText(textArea, Qt::AlignRight | Qt::AlignVCenter, percent);
  const QString elided = option.fontMetrics.elidedText(stage, Qt::ElideRight, area.width() - percentWidth);
  painter->drawText(textArea, Qt::AlignLeft | Qt::AlignVCenter, elided);

  painter->setRenderHint(QPainter::Antialiasing);
  painter->setPen(Qt::NoPen);
  QRectF bar(area.left(), area.bottom() - kBarHeight + 1, area.width(), kBarHeight);
  QColor ground = textColor;
  ground.setAlphaF(0.18f);
  painter->setBrush(ground);
  painter->drawRoundedRect(bar, 2.5, 2.5);
  bar.setWidth(std::max(bar.width() * fraction, static_cast<qreal>(kBarHeight)));
  painter->setBrush(isSelected ? textColor : option.palette.color(QPalette::Highlight));
  painter->drawRoundedRect(bar, 2.5, 2.5);
}

} // namespace

void ProgressDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                             const QModelIndex& index) const {
  QStyleOptionViewItem item = option;
  initStyleOption(&item, index);
  const auto state = static_cast<JobState>(index.data(JobModel::StateRole).toInt());
  if (state == JobState::Running) {
    const QString stage = std::exchange(item.text, {});
    QApplication::style()->drawControl(QStyle::CE_ItemViewItem, &item, painter, item.widget);
    painter->save();
    paintBar(painter, item, index.data(JobModel::FractionRole).toDouble(), stage);
    painter->restore();
    return;
  }
  if (state == JobState::Failed)
    item.palette.setColor(QPalette::Text, problemColor(item.palette));
  else if (state == JobState::Finished)
    item.palette.setColor(QPalette::Text, successColor(item.palette));
  else
    item.palette.setColor(QPalette::Text, faintColor(item.palette));
  QApplication::style()->drawControl(QStyle::CE_ItemViewItem, &item, painter, item.widget);
}

} // namespace nibblesmith::ui
