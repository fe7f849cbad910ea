// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/charts/wrapped_legend.hpp"

#include <QChart>
#include <QFontMetricsF>
#include <QLegend>
#include <QPainter>

namespace nibblesmith::ui {

namespace {

constexpr qreal kMarker = 10;
constexpr qreal kAfterMarker = 6;
constexpr qreal kBetweenEntries = 16;
constexpr qreal kBetweenRows = 5;

} // namespace

WrappedLegend::WrappedLegend(QChart* chart, std::vector<LegendEntry> entries, const ChartStyle& style)
    : QGraphicsObject(chart), m_chart(chart), m_entries(std::move(entries)), m_style(style) {
  connect(chart, &QGraphicsWidget::geometryChanged, this, &WrappedLegend::makeRoom);
}

std::vector<QPointF> WrappedLegend::places() const {
  const QFontMetricsF metrics(m_chart->legend()->font());
  const QMargins margins = m_chart->margins();
  const qreal width = m_chart->size().width() - margins.left() - margins.right();
  std::vector<QPointF> places;
  QPointF next(0, 0);
  for (const LegendEntry& entry : m_entries) {
    const qreal needed = kMarker + kAfterMarker + metrics.horizontalAdvance(entry.name);
    if (next.x() > 0 && next.x() + needed > width)
      next = {0, next.y() + metrics.height() + kBetweenRows};
    places.push_back(next);
    next.rx() += needed + kBetweenEntries;
  }
  return places;
}

void WrappedLegend::makeRoom() {
  QMargins margins = m_chart->margins();
  const qreal height = places().back().y() + QFontMetricsF(m_chart->legend()->font()).height();
  margins.setBottom(static_cast<int>(height) + 2 * margins.top());
  m_chart->setMargins(margins);
  prepareGeometryChange();
  setPos(margins.left(), m_chart->size().height() - height - margins.top());
}

QRectF WrappedLegend::boundingRect() const {
  return {0, 0, m_chart->size().width(), static_cast<qreal>(m_chart->margins().bottom())};
}

void WrappedLegend::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
  const QFontMetricsF metrics(m_chart->legend()->font());
  const std::vector<QPointF> at = places();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setFont(m_chart->legend()->font());
  for (size_t i = 0; i < at.size(); ++i) {
    painter->setPen(Qt::NoPen);
    painter->setBrush(m_entries[i].color);
    painter->drawEllipse(QRectF(at[i].x(), at[i].y() + (metrics.height() - kMarker) / 2, kMarker, kMarker));
    painter->setPen(m_style.text);
    painter->drawText(at[i] + QPointF(kMarker + kAfterMarker, metrics.ascent()), m_entries[i].name);
  }
}

} // namespace nibblesmith::ui
